"""What a service counts about itself, in Prometheus' text format, without a web framework.

Written by hand rather than with a client library, because an edge agent has little memory: the
library alone takes as much as everything that it would show.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Literal

from plant.errors import ConfigurationError

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Family:
    """Samples of one name."""

    name: str
    """A counter's without `_total`, which is added."""
    kind: Literal["counter", "gauge"]
    words: str
    samples: Mapping[str, float]
    """By value of the label; a family without a label has the one key ``."""
    label: str = ""

    @property
    def sample_name(self) -> str:
        """The name under which its samples are found."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


def counter(name: str, words: str, value: float) -> Family:
    """Return a counter without labels."""
    return Family(name, "counter", words, {"": value})


def gauge(name: str, words: str, value: float) -> Family:
    """Return a gauge without labels."""
    return Family(name, "gauge", words, {"": value})


def exposition(families: Iterable[Family]) -> str:
    """Return families in the text format 0.0.4."""
    return "".join(line for family in families for line in _lines(family))


@contextmanager
def metrics_server(
    host: str, port: int | None, collect: Callable[[], Iterable[Family]]
) -> Iterator[None]:
    """Serve `/metrics` while the context lasts; without a port do nothing.

    `collect` is called in a thread of the server. Raises ConfigurationError when the port is taken.
    """
    if port is None:
        yield
        return
    # Only who is asked for metrics pays for a web server.
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer  # noqa: PLC0415

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path.partition("?")[0] == "/metrics"
            body = exposition(collect()).encode() if found else b"see /metrics\n"
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        # The name of its base.
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Scrapes are not worth a line."""

    try:
        server = ThreadingHTTPServer((host, port), Handler)
    except OSError as exc:
        raise ConfigurationError(
            f"metrics cannot be served at {host}:{port}: {exc.strerror}; choose another "
            "`metrics_port`"
        ) from exc
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.1,), name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _lines(family: Family) -> Iterator[str]:
    name = family.sample_name
    yield f"# HELP {name} {family.words}\n"
    yield f"# TYPE {name} {family.kind}\n"
    for value, sample in family.samples.items():
        label = f'{{{family.label}="{_escaped(value)}"}}' if family.label else ""
        yield f"{name}{label} {float(sample)!r}\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
