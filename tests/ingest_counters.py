"""What an ingest under test says of itself to Prometheus."""

from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from tests.waiting import HANG_S


def unsettled(port: int) -> dict[str, float] | None:
    """Return received less written, duplicate and rejected, of messages and of measurements.

    None while the ingest does not answer.
    """
    try:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=HANG_S) as answer:
            text = answer.read().decode()
    except OSError:
        return None
    rest = {"messages": 0.0, "measurements": 0.0}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            for what in rest:
                if sample.name == f"nhipmay_ingest_{what}_received_total":
                    rest[what] += sample.value
                elif sample.name == f"nhipmay_ingest_{what}_settled_total":
                    rest[what] -= sample.value
    return rest
