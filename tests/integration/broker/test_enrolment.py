"""From an invitation to a revocation, with the real API, broker, database and edge agent."""

import ssl
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from api import ApiSettings
from api.settings import EnrolmentSettings, ServerTlsSettings
from edge_agent import EdgeSettings
from edge_agent.enrolment.enrolment import Enrolment
from ingest import IngestSettings
from ingest.settings import LimitSettings
from nhipmay.authority import (
    AdministrationSettings,
    AuthorityBlock,
    invite,
    revoke,
    write_invitation,
    write_list,
)
from nhipmay.enrolment import enrol
from plant.description import PlantDescription
from plant.errors import ConfigurationError
from plant.identity import Identity, key_hash_of, serial_of
from plant.settings import DatabaseSettings, load_settings
from store import load_plant
from store.edge.identity import CertificateRow, identities
from tests.integration.edge.agents import ROOT, AgentThread, settings_file
from tests.integration.edge.mtconnect_agent import Item, MtConnectAgent
from tests.integration.ingests import fetched, running
from tests.peers.identities import WITNESS, Caller, Stack, identity_file, stack
from tests.peers.services import BrokerFactory, free_port
from tests.peers.serving import served
from tests.waiting import HANG_S, wait_until

EDGE = "co-khi-mau/bien-hoa/edge-1"
START = datetime(2026, 3, 2, 6, tzinfo=UTC)
PILOTS = ROOT / "simulators/pilots"


@dataclass(frozen=True, slots=True)
class Platform:
    """Everything an edge meets, with the settings of the administrator's commands."""

    stack: Stack
    database: DatabaseSettings
    api_port: int
    administration: AdministrationSettings

    def api(self) -> ApiSettings:
        return ApiSettings(
            database=self.database,
            port=self.api_port,
            tls=ServerTlsSettings(certificate_file=self.stack.secrets / "tls-api"),
            enrolment=EnrolmentSettings(authority_file=self.stack.secrets / "authority-edges"),
        )

    def ingest(self) -> IngestSettings:
        return IngestSettings(
            broker=self.stack.service("ingest"),
            database=self.database,
            limits=LimitSettings(require_enrolment=True),
        )

    def edge_file(self, folder: Path, sources: dict[str, Any], **blocks: Any) -> Path:
        """Write the settings of the edge; its certificate is to be `identity.pem`."""
        tls = {
            "ca_file": str(folder / "platform.pem"),
            "certificate_file": str(folder / "identity.pem"),
        }
        broker = {"host": "localhost", "tls": tls}
        enrolment = {"url": f"https://localhost:{self.api_port}", "check_interval_s": 0.2}
        blocks["enrolment"] = enrolment | blocks.get("enrolment", {})
        return settings_file(folder, self.stack.edges_port, sources, broker=broker, **blocks)

    def invitation(self, folder: Path, edge: str = EDGE, hours: float = 1) -> Path:
        file = folder / f"invitation-{time.monotonic_ns()}.yaml"
        write_invitation(file, invite(self.administration, edge, timedelta(hours=hours)))
        return file

    def events(self) -> list[str]:
        rows = fetched(
            self.database, "select action from identity_event order by identity_event_id"
        )
        return [row[0] for row in rows]


@pytest.fixture(scope="module")
def brokers(mosquitto: BrokerFactory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with stack(mosquitto, tmp_path_factory.mktemp("secrets")) as stack_broker:
        yield stack_broker


@pytest.fixture
def platform(brokers: Stack, database: DatabaseSettings) -> Iterator[Platform]:
    for pilot in ("co-khi-mau", "thuc-pham-mau"):
        load_plant(database, load_settings(PlantDescription, PILOTS / pilot / "plant.yaml"))
    port = free_port()
    administration = AdministrationSettings(
        broker=brokers.service("administrator"),
        database=database,
        authority=AuthorityBlock(
            file=brokers.secrets / "authority-edges",
            revocation_list=brokers.lists / "edges-revoked.pem",
            services_file=brokers.services_pem,
            api_url=f"https://localhost:{port}",
        ),
    )
    platform = Platform(brokers, database, port, administration)
    with served(platform.api()):
        yield platform


@pytest.fixture
def source() -> Iterator[MtConnectAgent]:
    # Room for whatever a busy machine leaves unread.
    with MtConnectAgent(Item("i-temperature", "temperature"), buffer_size=100_000) as source:
        source.observe("i-temperature", 20.0, START)
        yield source


def line(source: MtConnectAgent) -> dict[str, Any]:
    return {
        "line-1": {
            "driver": "mtconnect",
            "url": source.url,
            "interval_ms": 20,
            "heartbeat_ms": 200,
            "tags": [
                {
                    "name": "cnc-1/temperature",
                    "work_unit": "gia-cong/day-chuyen-1/cnc-1",
                    "data_item": "i-temperature",
                }
            ],
        }
    }


def recorded() -> dict[str, Any]:
    """A source that is never asked: enrolment alone."""
    tag = {"name": "cnc-1/t", "work_unit": "gia-cong/day-chuyen-1/cnc-1", "address": "hr:1"}
    return {"line-1": {"driver": "modbus", "host": "127.0.0.1", "tags": [tag]}}


def stored(platform: Platform) -> list[float]:
    return [
        row[0]
        for row in fetched(platform.database, "select value from measurement order by source_time")
    ]


def test_an_edge_enrols_once_and_its_key_stays_where_it_was_made(
    platform: Platform, tmp_path: Path
) -> None:
    file = platform.edge_file(tmp_path, recorded())
    invitation = platform.invitation(tmp_path)

    words = enrol(invitation, file)

    assert "enrolled" in words
    identity = Identity.from_pem((tmp_path / "identity.pem").read_bytes())
    assert identity.holder == EDGE
    assert platform.stack.edges().issued(identity.certificate)
    assert 89.9 < identity.validity.days_left(datetime.now(UTC)) <= 90
    assert (tmp_path / "identity.pem").stat().st_mode & 0o777 == 0o600
    assert invitation.stat().st_mode & 0o077 == 0
    # The key is nowhere else: not beside the certificate, not in the database, not in the token.
    assert not (tmp_path / "identity.pem.new-key").exists()
    (row,) = fetched(platform.database, "select pem, key_hash from edge_certificate")
    assert "PRIVATE" not in row[0]
    assert bytes(row[1]) == key_hash_of(identity.key.public_key())
    token = yaml.safe_load(invitation.read_text())["token"]
    (digest,) = fetched(platform.database, "select token_hash from enrolment_token")
    assert token.encode() not in bytes(digest[0])
    with pytest.raises(ConfigurationError, match="used before"):
        enrol(invitation, file)
    assert platform.events() == ["invited", "enrolled"]
    caller = Caller(platform.stack.edge(tmp_path / "identity.pem"))
    assert caller.is_in
    caller.close()


def test_a_lost_answer_is_given_again_to_the_same_key(platform: Platform, tmp_path: Path) -> None:
    file = platform.edge_file(tmp_path, recorded())
    invitation = platform.invitation(tmp_path)
    enrol(invitation, file)
    first = Identity.from_pem((tmp_path / "identity.pem").read_bytes())
    # As if the power had gone before the answer was kept.
    (tmp_path / "identity.pem").rename(tmp_path / "identity.pem.new-key")

    enrol(invitation, file)

    again = Identity.from_pem((tmp_path / "identity.pem").read_bytes())
    assert again.certificate == first.certificate
    assert platform.events() == ["invited", "enrolled"]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ({"token": "of-nobody"}, "no such token"),
        ({"edge": "thuc-pham-mau/long-thanh/edge-1"}, "settings are those of"),
    ],
)
def test_a_token_is_refused_when_it_is_not_for_this_edge(
    platform: Platform, tmp_path: Path, damage: dict[str, str], words: str
) -> None:
    file = platform.edge_file(tmp_path, recorded())
    invitation = platform.invitation(tmp_path)
    invitation.write_text(yaml.safe_dump(yaml.safe_load(invitation.read_text()) | damage))

    with pytest.raises(ConfigurationError, match=words):
        enrol(invitation, file)
    assert not (tmp_path / "identity.pem").exists()


def test_a_token_of_another_site_is_refused_by_the_platform(
    platform: Platform, tmp_path: Path
) -> None:
    foreign = platform.invitation(tmp_path, "thuc-pham-mau/long-thanh/edge-1")
    token = yaml.safe_load(foreign.read_text())["token"]
    file = platform.edge_file(tmp_path, recorded())
    (tmp_path / "platform.pem").write_bytes(platform.stack.services_pem.read_bytes())

    with pytest.raises(ConfigurationError, match="not for co-khi-mau"):
        Enrolment(load_settings(EdgeSettings, file)).enrol(token)
    # It was not used up by the attempt.
    assert platform.events() == ["invited"]


def test_an_expired_token_is_refused(platform: Platform, tmp_path: Path) -> None:
    file = platform.edge_file(tmp_path, recorded())

    with pytest.raises(ConfigurationError, match="expired"):
        enrol(platform.invitation(tmp_path, hours=-1), file)


def test_a_platform_that_is_not_the_one_invited_to_gets_no_token(
    platform: Platform, tmp_path: Path
) -> None:
    file = platform.edge_file(tmp_path, recorded())
    # An authority of the same name, as whoever stands in between could have.
    (tmp_path / "platform.pem").write_bytes(platform.stack.edges().certificate_pem)

    with pytest.raises(ConfigurationError, match="does not vouch"):
        enrol(platform.invitation(tmp_path), file)


def test_an_edge_that_is_not_described_cannot_be_invited(platform: Platform) -> None:
    with pytest.raises(ConfigurationError, match="there is no edge"):
        invite(platform.administration, "co-khi-mau/bien-hoa/edge-9", timedelta(hours=1))


def test_the_api_speaks_tls_only(platform: Platform) -> None:
    context = ssl.create_default_context(cafile=platform.stack.services_pem)
    url = f"https://localhost:{platform.api_port}/health/ready"
    with urllib.request.urlopen(url, context=context, timeout=HANG_S) as answer:
        assert answer.status == 200
    with pytest.raises(OSError, match=r"(?i)remote|reset|aborted|empty|disconnected"):
        urllib.request.urlopen(url.replace("https", "http"), timeout=HANG_S)


def old_identity(platform: Platform, folder: Path, age: timedelta) -> Identity:
    """Give the edge a certificate as if it had been issued some time ago."""
    made = identity_file(folder, platform.stack.edges(), EDGE, age=age)
    made.chmod(0o600)
    made.rename(folder / "identity.pem")
    (folder / "platform.pem").write_bytes(platform.stack.services_pem.read_bytes())
    identity = Identity.from_pem((folder / "identity.pem").read_bytes())
    with identities(platform.database, datetime.now(UTC)) as book:
        standing = book.edge(EDGE)
        assert standing is not None
        book.put_certificate(
            CertificateRow(
                serial=serial_of(identity.certificate),
                edge_id=standing.edge_id,
                key_hash=key_hash_of(identity.key.public_key()),
                token_hash=None,
                begins_at=identity.validity.begin,
                expires_at=identity.validity.end,
                pem="",
            )
        )
    return identity


def connections(platform: Platform) -> int:
    """Return how often the edge has connected since the broker was made."""
    return platform.stack.broker.log.count(f"as {EDGE} ")


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_certificate_is_renewed_and_no_measurement_is_lost(
    platform: Platform, source: MtConnectAgent, tmp_path: Path, version: str
) -> None:
    # Two thirds of its life, and the hour by which it begins early, will be over in two seconds.
    due_after = (timedelta(days=90, hours=1)) * 2 / 3 - timedelta(hours=1)
    old = old_identity(platform, tmp_path, due_after - timedelta(seconds=2))
    file = platform.edge_file(tmp_path, line(source))
    content = yaml.safe_load(file.read_text())
    content["broker"]["protocol"] = version
    file.write_text(yaml.safe_dump(content))
    before = connections(platform)
    values = [20.0]

    def write() -> None:
        values.append(values[-1] + 1)
        source.observe("i-temperature", values[-1], START + timedelta(seconds=len(values)))

    def renewed() -> bool:
        write()
        return "renewed" in platform.events() and connections(platform) >= before + 2

    with running(platform.ingest()), AgentThread(file) as agent:
        wait_until(lambda: stored(platform), what="the first measurement")
        wait_until(renewed, what="the new certificate to be taken up")
        for _ in range(20):
            write()
        wait_until(lambda: len(stored(platform)) >= len(values), what="all of it")

    assert agent.join().acknowledged == len(values)
    assert stored(platform) == values
    new = Identity.from_pem((tmp_path / "identity.pem").read_bytes())
    assert new.certificate.serial_number != old.certificate.serial_number
    assert new.key.public_key() != old.key.public_key()
    assert new.validity.end > old.validity.end
    assert platform.events() == ["renewed"]


def test_renewal_is_refused_when_the_certificate_has_ended(
    platform: Platform, tmp_path: Path
) -> None:
    old_identity(platform, tmp_path, timedelta(days=91))
    file = platform.edge_file(tmp_path, recorded())

    with pytest.raises(ConfigurationError, match="has expired"):
        Enrolment(load_settings(EdgeSettings, file)).renew()


def test_a_revoked_edge_is_out_at_once_and_stays_out(
    platform: Platform, source: MtConnectAgent, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("t" * 48)
    invite(platform.administration, EDGE, timedelta(hours=1), token)
    (tmp_path / "platform.pem").write_bytes(platform.stack.services_pem.read_bytes())
    # This agent enrols by itself when it starts.
    file = platform.edge_file(tmp_path, line(source), enrolment={"token_file": str(token)})
    thrown_out: list[float] = []

    with running(platform.ingest()), AgentThread(file):
        wait_until(lambda: stored(platform), what="the first measurement")
        done = revoke(
            platform.administration, EDGE, "stolen", watch_s=5, on_thrown_out=thrown_out.append
        )
        source.observe("i-temperature", 99.0, START + timedelta(seconds=1))
        # Nobody sends any more; what the broker still kept would be refused as well.
        late = Caller(platform.stack.edge(tmp_path / "identity.pem"))
        settings = load_settings(EdgeSettings, file)
        with pytest.raises(ConfigurationError, match="revoked"):
            Enrolment(settings).renew()
        with pytest.raises(ConfigurationError, match=r"used before"):
            Enrolment(settings).enrol(token.read_text())

    assert done.certificates == 1
    # Not measured here: a machine under load has slow moments.
    assert thrown_out == [done.thrown_out_after_s]
    assert not late.is_in
    assert stored(platform) == [20.0]
    assert platform.events() == ["invited", "enrolled", "revoked"]
    assert write_list(platform.administration) == 1


def test_what_comes_in_the_name_of_a_revoked_edge_is_kept_and_refused(
    platform: Platform, source: MtConnectAgent, tmp_path: Path
) -> None:
    invitation = platform.invitation(tmp_path)
    file = platform.edge_file(tmp_path, line(source))
    enrol(invitation, file)
    with running(platform.ingest()), AgentThread(file):
        wait_until(lambda: stored(platform), what="the first measurement")
    # From now on the broker keeps for the ingest what it sends.
    witness = Caller(platform.stack.service(WITNESS))
    witness.subscribe(f"nm/v1/{EDGE}/data")
    with AgentThread(file):
        source.observe("i-temperature", 21.0, START + timedelta(seconds=1))
        witness.hear()
        revoke(platform.administration, EDGE, "replaced", watch_s=2)
    witness.close()

    def refused() -> list[tuple[Any, ...]]:
        return fetched(
            platform.database,
            "select raw from rejection where reason = 'edge_revoked' and topic like '%/data'",
        )

    with running(platform.ingest()):
        raw = wait_until(refused, what="the rejection")

    assert stored(platform) == [20.0]
    assert b"cnc-1/temperature" in bytes(raw[0][0])

    # Invited again, it is welcome again, and what it still has arrives.
    enrol(platform.invitation(tmp_path), file)
    with running(platform.ingest()), AgentThread(file):
        wait_until(lambda: stored(platform) == [20.0, 21.0], what="the measurement")
