"""Anomalies over the API: from signals to a live model, and what people say of events."""

import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from api import ApiSettings, create_app
from plant.settings import ClockSettings, DatabaseSettings
from tests.plants.figure_plant import GRINDER, SAW, at
from tests.plants.watched_plant import SENSORS, Watch, WatchedPlant, part, readings

NOW = 9.0
EVENTS = "/api/v1/anomalies/events"


@pytest.fixture
def plant(database: DatabaseSettings) -> Iterator[WatchedPlant]:
    found = WatchedPlant(database)
    times, values = readings(NOW)
    for start in (4.0, 7.0):
        values[part(start) : part(start + 0.1), 1] += 3.0
    found.say(times, values)
    for name in ("cua/copy", "cua/dead"):
        found.add_tag(name, SAW)
        (row,) = found.rows("select tag_id from tag where name = %s", [name])
        found.tags[name] = row["tag_id"]
    found.say(
        times,
        np.stack((values[:, 0] * 1.8 + 32, np.full(len(times), 7.0)), axis=1),
        ["cua/copy", "cua/dead"],
    )
    found.run_steadily(SAW, 0, NOW)
    found.report(NOW)
    yield found
    found.close()


@pytest.fixture
def client(plant: WatchedPlant) -> Iterator[TestClient]:
    clock = ClockSettings(wall_origin=at(NOW), plant_origin=at(NOW), until=at(NOW))
    app = create_app(ApiSettings(database=plant.database, clock=clock))
    with TestClient(app, base_url="http://localhost") as client:
        yield client


@pytest.fixture
def watch(database: DatabaseSettings) -> Iterator[Watch]:
    found = Watch(database)
    yield found
    found.close()


def listed(client: TestClient, path: str, **params: Any) -> list[dict[str, Any]]:
    answer = client.get(path, params={"place": SAW} | params)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


def posted(client: TestClient, path: str, **body: Any) -> dict[str, Any]:
    answer = client.post(f"/api/v1/anomalies/{path}", json={"place": SAW} | body)
    assert answer.is_success, answer.text
    return dict(answer.json())


def model(**changes: Any) -> dict[str, Any]:
    return {
        "signals": list(SENSORS),
        "step_s": 10,
        "learn_rows": 400,
        "train_from": at(0).isoformat(),
        "train_to": at(2).isoformat(),
        "trial_to": at(6).isoformat(),
    } | changes


def remark(event: str, verdict: str, **more: Any) -> dict[str, Any]:
    return {"client_id": str(uuid.uuid4()), "event": event, "verdict": verdict} | more


def live(client: TestClient, watch: Watch) -> int:
    made = int(posted(client, "models", **model())["id"])
    watch.until(NOW)
    posted(client, "models/decision", model=made, decision="approve")
    return made


def test_signals_are_suggested_with_reasons(client: TestClient) -> None:
    found = client.get("/api/v1/anomalies/signals", params={"place": SAW}).json()

    verdicts = {one["tag"]: one["reason"] or "watch" for one in found["signals"]}
    assert verdicts == {
        "cua/copy": "watch",
        "cua/current": "duplicate",
        "cua/dead": "constant",
        "cua/good_count": "counter",
        "cua/oil": "watch",
        "cua/scrap_count": "constant",
        "cua/vibration": "watch",
    }
    assert found["step_s"] == 10


def test_a_model_is_learned_approved_replaced_and_taken_back(
    client: TestClient, watch: Watch
) -> None:
    first = live(client, watch)
    (shown,) = listed(client, "/api/v1/anomalies/models")
    assert (shown["status"], shown["approved_by"]) == ("live", "engineer")
    assert shown["missing"] == {"truc": 0.0}
    assert shown["share_done"] == 1.0
    assert shown["false_per_day"] is not None

    second = int(posted(client, "models", **model(reason="maintenance"))["id"])
    watch.until(NOW)
    posted(client, "models/decision", model=second, decision="approve")
    states = {one["model_id"]: one["status"] for one in listed(client, "/api/v1/anomalies/models")}
    assert states == {first: "retired", second: "live"}

    posted(client, "models/decision", model=first, decision="approve")
    watch.until(NOW)
    states = {one["model_id"]: one["status"] for one in listed(client, "/api/v1/anomalies/models")}
    assert states == {first: "live", second: "retired"}


def test_a_live_model_is_approved_as_it_is_or_goes_back(client: TestClient, watch: Watch) -> None:
    made = live(client, watch)
    watch.until(NOW)
    posted(client, "models/decision", model=made, decision="as_approved")
    watch.until(NOW)
    posted(client, "models/decision", model=made, decision="approve")
    (shown,) = listed(client, "/api/v1/anomalies/models")
    assert (shown["model_id"], shown["status"]) == (made, "live")

    prepared = int(posted(client, "models", **model(reason="maintenance"))["id"])
    refused = client.post(
        "/api/v1/anomalies/models/decision",
        json={"place": SAW, "model": prepared, "decision": "as_approved"},
    )
    assert refused.status_code == 409


def test_a_press_is_learned_by_its_parts(client: TestClient, watch: Watch) -> None:
    posted(
        client,
        "models",
        **model(cycle="cua/good_count", learn_rows=200, trial_to=at(8).isoformat()),
    )
    watch.until(NOW)

    (shown,) = listed(client, "/api/v1/anomalies/models")
    assert (shown["status"], shown["cycle"]) == ("ready", "cua/good_count")
    assert shown["cycle_begins"] is None
    begun = model(cycle="cua/oil", cycle_begins=40.5, learn_rows=200, trial_to=at(8).isoformat())
    posted(client, "models", **begun)
    assert listed(client, "/api/v1/anomalies/models")[0]["cycle_begins"] == 40.5


def test_a_press_is_learned_by_a_state_that_it_tells_in_words(
    client: TestClient, watch: Watch, plant: WatchedPlant
) -> None:
    connection = plant.connection
    connection.execute(
        "insert into tag (site_id, work_unit_id, edge_id, name, value_type, role)"
        " select site_id, work_unit_id, edge_id, 'cua/phase', 'text', 'none'"
        " from tag where name = 'cua/oil'"
    )
    with connection.cursor() as cursor:
        # Closed for 60 seconds, open for 40: a cycle is ten rows.
        cursor.executemany(
            "insert into text_measurement (tag_id, source_time, received_time, value, quality)"
            " select tag_id, %(at)s, %(at)s, %(value)s, 0 from tag where name = 'cua/phase'",
            [
                {"at": at((100 * cycle + after) / 3600), "value": value}
                for cycle in range(round(NOW * 36))
                for after, value in ((5, "CLOSED"), (65, "OPEN"))
            ],
        )
    found = client.get("/api/v1/anomalies/signals", params={"place": SAW}).json()
    assert {"tag": "cua/phase", "values": ["CLOSED", "OPEN"]} in found["states"]

    asked = model(cycle="cua/phase", learn_rows=200, trial_to=at(8).isoformat())
    posted(client, "models", **asked | {"cycle_begins": "CLOSED"})
    watch.until(NOW)
    (shown,) = listed(client, "/api/v1/anomalies/models")
    assert (shown["status"], shown["cycle"]) == ("ready", "cua/phase")
    assert shown["cycle_begins"] == "CLOSED"
    # Of eight hours all cycles but the first and the last, which nobody saw whole.
    assert 8 * 36 - 2 <= shown["rows_learned"] <= 8 * 36
    assert shown["missing"] == {"truc": 0.0}

    for wrong in ({"cycle": "cua/oil", "cycle_begins": "CLOSED"}, {"cycle_begins": 1.0}):
        answer = client.post("/api/v1/anomalies/models", json={"place": SAW} | asked | wrong)
        assert answer.status_code == 422, answer.text


def test_a_false_alarm_taken_back_is_learned_and_a_confirmed_one_counts(
    client: TestClient, watch: Watch, plant: WatchedPlant
) -> None:
    live(client, watch)
    (tried,) = listed(client, EVENTS, trial="true")
    posted(client, "remarks", **remark(tried["event_id"], "not_anomaly"))
    watch.until(NOW)
    # The same thing again is normal now.
    assert listed(client, EVENTS) == []
    (row,) = plant.rows("select learned_from from anomaly_remark")
    assert row["learned_from"] == at(6)


def test_an_event_is_shown_with_charts_and_closed_with_its_cause(
    client: TestClient, watch: Watch, plant: WatchedPlant
) -> None:
    live(client, watch)
    watch.until(NOW)
    (event,) = listed(client, EVENTS, open_only="true")
    assert event["causes"][0]["name"] == "cua/vibration"
    assert event["context"]["order"] == "LSX-1"
    detail = client.get(
        "/api/v1/anomalies/event", params={"place": SAW, "event": event["event_id"]}
    ).json()
    assert len(detail["series"][0]["values"]) > 20

    said = remark(event["event_id"], "confirmed", cause="ổ bi", stop_start=at(7.5).isoformat())
    assert posted(client, "remarks", **said)["repeated"] is False
    assert posted(client, "remarks", **said)["repeated"] is True
    assert listed(client, EVENTS, open_only="true") == []
    (closed,) = listed(client, EVENTS)
    assert (closed["verdict"], closed["cause"]) == ("confirmed", "ổ bi")
    (trust,) = listed(client, "/api/v1/anomalies/precision")
    assert (trust["confirmed"], trust["precision"]) == (1, 1.0)
    assert 1500 < trust["lead_median_s"] < 1800


LIMIT = {"tag": "cua/oil", "side": "high", "value": 1}
SITE_HOOK = {"place": "dong-nai/bien-hoa", "kind": "webhook", "target": "https://x.vn"}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("models", model(signals=["cua/state"]), 422),
        ("models", model(signals=[]), 422),
        ("models", model(train_to=at(-1).isoformat()), 422),
        ("models", model(place=GRINDER), 422),
        ("models", model(cycle="cua/none"), 422),
        ("models", model(cycle_begins=1.0), 422),
        ("models", model(signals=["cua/\0"]), 422),
        # Longer than anybody would wait for, and a trial on what is yet to come.
        ("models", model(train_from="0001-01-01T00:00:00Z"), 422),
        ("models", model(trial_to="9999-12-31T23:59:59Z"), 422),
        ("models/decision", {"model": 10**30, "decision": "approve"}, 409),
        ("remarks", remark("\0", "acknowledged"), 422),
        ("limits", {"tag": "cua/\0", "side": "high", "value": 1}, 404),
        ("limits", LIMIT | {"windows": [{"from": "06:00", "to": "06:00"}]}, 422),
        ("limits", LIMIT | {"windows": [{"from": "06:00Z", "to": "07:00"}]}, 422),
        ("limits", LIMIT | {"windows": [{"from": "25:00", "to": "07:00"}]}, 422),
        ("limits/change", {"limit": 10**30, "change": "remove"}, 404),
        ("channels", SITE_HOOK | {"target": "https://x/\0"}, 422),
        ("channels", SITE_HOOK | {"target": "https://"}, 422),
        ("channels", SITE_HOOK | {"target": "a@b\r\nBcc: c@d", "kind": "email"}, 422),
        ("channels", SITE_HOOK | {"secret": "\0"}, 422),
        ("channels", SITE_HOOK | {"least_severity": "Infinity"}, 422),
        ("channels/removal", {"place": "dong-nai/bien-hoa", "channel": 10**30}, 404),
        ("models/decision", {"model": 999, "decision": "approve"}, 409),
        ("remarks", remark("m1-model-0-5", "acknowledged"), 404),
        ("remarks", remark("x", "confirmed"), 422),
        ("remarks", remark("x", "snoozed"), 422),
        ("limits", {"tag": "cua/none", "side": "high", "value": 1}, 404),
        ("limits", {"tag": "cua/oil", "side": "high", "value": "NaN"}, 422),
        ("limits/change", {"limit": 5, "change": "shelve"}, 404),
        ("channels", {"place": "dong-nai/bien-hoa", "kind": "webhook", "target": "ftp://x"}, 422),
        ("channels", {"place": "dong-nai/bien-hoa", "kind": "mqtt", "target": "a/#"}, 422),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    client: TestClient, path: str, body: dict[str, Any], status: int
) -> None:
    answer = client.post(f"/api/v1/anomalies/{path}", json={"place": SAW} | body)

    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]


def test_limits_and_channels_are_kept_and_taken_away(client: TestClient) -> None:
    made = posted(
        client,
        "limits",
        tag="cua/oil",
        side="high",
        value=45,
        deadband=1,
        on_delay_s=30,
        windows=[{"from": "06:00", "to": "14:00"}],
    )["id"]
    posted(client, "limits/change", limit=made, change="shelve", shelve_minutes=30)
    (limit,) = listed(client, "/api/v1/anomalies/limits")
    assert limit["windows"] == [{"from": "06:00", "to": "14:00"}]
    assert limit["shelved_until"] is not None
    posted(client, "limits/change", limit=made, change="remove")
    assert listed(client, "/api/v1/anomalies/limits") == []

    site = "dong-nai/bien-hoa"
    channel = posted(
        client,
        "channels",
        place=site,
        kind="webhook",
        target="https://a.example/x",
        secret="s" * 20,
    )
    (shown,) = listed(client, "/api/v1/anomalies/channels", place=site)
    assert "secret" not in shown
    posted(client, "channels/removal", place=site, channel=channel["id"])
    assert listed(client, "/api/v1/anomalies/channels", place=site) == []


def test_the_page_opens_for_machines_and_lines(client: TestClient) -> None:
    for place, steps in ((SAW, True), (SAW.rpartition("/")[0], False)):
        for language, words in (("vi", "Bất thường"), ("en", "Anomalies")):
            answer = client.get(f"/anomalies/{place}", params={"lang": language})
            assert answer.status_code == 200
            assert words in answer.text
            assert ('id="propose"' in answer.text) is steps


def test_events_go_on_page_by_page(client: TestClient, plant: WatchedPlant) -> None:
    plant.connection.execute(
        "insert into anomaly_event (event_id, work_unit_id, kind, start_time, opened_at, end_time,"
        " peak, severity, causes, context)"
        " select format('e-%%s', n), place_id, 'gap', %(at)s + (n / 2) * interval '1 minute',"
        " %(at)s, %(at)s + interval '1 hour', 1, 1, '[]', '{}'"
        " from place, generate_series(1, 7) n where path = %(unit)s",
        {"at": at(7), "unit": SAW},
    )
    asked: dict[str, Any] = {"place": SAW, "start": at(6).isoformat(), "end": at(9).isoformat()}
    whole = client.get(EVENTS, params=asked | {"limit": 100}).json()
    assert (len(whole["data"]), whole["meta"]["next"]) == (7, None)
    found: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    while True:
        page = client.get(EVENTS, params=asked | {"limit": 2} | more).json()
        found += page["data"]
        if page["meta"]["next"] is None:
            break
        more = {"after": page["meta"]["next"]}

    assert found == whole["data"]
    wrong = client.get(EVENTS, params=asked | {"after": "x"})
    assert (wrong.status_code, wrong.json()["type"]) == (422, "urn:nhipmay:problem:bad-cursor")
