"""The administrator's files: what is made, what stays, and what the doctor says of it."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from cryptography import x509

from nhipmay.authority import (
    ADMINISTRATOR,
    CLIENTS,
    SERVERS,
    create_authority,
    write_invitation,
)
from nhipmay.doctor import Finding, examine
from plant.errors import ConfigurationError
from plant.identity import Authority, Identity, new_key

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_nothing_is_made_twice_until_it_is_due(tmp_path: Path) -> None:
    create_authority(tmp_path, [], NOW)
    before = content(tmp_path)

    assert create_authority(tmp_path, [], NOW + timedelta(days=200)) == []
    assert content(tmp_path) == before

    made = create_authority(tmp_path, [], NOW + timedelta(days=250))
    assert {Path(file).name for file in made} == {
        f"tls-{name}" for name in (*CLIENTS, ADMINISTRATOR, *SERVERS)
    }
    after = content(tmp_path)
    assert {name for name in before if before[name] != after[name]} == {
        Path(file).name for file in made
    }


def test_a_server_gets_the_names_by_which_it_is_called(tmp_path: Path) -> None:
    create_authority(tmp_path, ["api=platform.example", "api=192.0.2.7"], NOW)

    certificate = Identity.from_pem((tmp_path / "tls-api").read_bytes()).certificate
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "platform.example" in names.get_values_for_type(x509.DNSName)
    assert "192.0.2.7" in map(str, names.get_values_for_type(x509.IPAddress))
    with pytest.raises(ConfigurationError, match="broker"):
        create_authority(tmp_path, ["edge=platform.example"], NOW)


def test_what_signs_for_edges_cannot_make_a_service(tmp_path: Path) -> None:
    create_authority(tmp_path, [], NOW)
    services, edges = (
        Authority.from_pem((tmp_path / name).read_bytes())
        for name in ("authority-services", "authority-edges")
    )

    forged = edges.for_client("ingest", new_key().public_key(), NOW)

    assert not services.issued(forged)
    assert not services.issued(edges.identity.certificate)
    names = dict(line.split() for line in (tmp_path / "service-names").read_text().splitlines())
    assert set(names) == {*CLIENTS, ADMINISTRATOR}
    # Nobody can guess what the broker calls a service here.
    assert all(re.fullmatch(rf"{name}-[0-9a-f]{{32}}", told) for name, told in names.items())


def test_certificates_of_an_older_kind_are_made_again(tmp_path: Path) -> None:
    create_authority(tmp_path, [], NOW)
    services = Authority.from_pem((tmp_path / "authority-services").read_bytes())
    for name, holder in (("ingest", "ingest"), ("administrator", "administrator")):
        key = new_key()
        old = Identity(key, services.for_client(holder, key.public_key(), NOW))
        (tmp_path / f"tls-{name}").chmod(0o600)
        (tmp_path / f"tls-{name}").write_bytes(old.to_pem())

    made = create_authority(tmp_path, [], NOW)

    assert {Path(file).name for file in made} == {"tls-ingest", "tls-administrator"}


def test_an_invitation_is_for_its_owner_alone_and_overwrites_nothing(tmp_path: Path) -> None:
    file = tmp_path / "invitation.yaml"
    write_invitation(file, {"edge": "a/b/c", "token": "t"})

    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigurationError, match="exists"):
        write_invitation(file, {"edge": "a/b/d", "token": "u"})
    assert yaml.safe_load(file.read_text())["edge"] == "a/b/c"


@pytest.mark.parametrize(
    ("age_days", "ok", "words"),
    [(1, True, "days left"), (80, False, "nobody has renewed it"), (91, False, "expired")],
)
def test_doctor_tells_how_long_a_certificate_holds(
    tmp_path: Path, age_days: int, ok: bool, words: str
) -> None:
    now = datetime.now(UTC)
    authority = Authority.create("edges", now)
    key = new_key()
    issued = now - timedelta(days=age_days)
    (tmp_path / "ca.pem").write_bytes(authority.certificate_pem)
    certificate = authority.for_client("a/b/edge-1", key.public_key(), issued)
    (tmp_path / "identity.pem").write_bytes(Identity(key, certificate).to_pem())
    tls = {
        "ca_file": str(tmp_path / "ca.pem"),
        "certificate_file": str(tmp_path / "identity.pem"),
    }
    settings = tmp_path / "ingest.yaml"
    # Nothing answers on port 1; the certificate is looked at all the same.
    settings.write_text(yaml.safe_dump({"broker": {"port": 1, "tls": tls}}))

    (finding,) = [one for one in findings(settings) if one.subject == "broker certificates"]

    assert finding.ok is ok
    assert words in finding.words


def findings(settings: Path) -> list[Finding]:
    return [one for one in examine([settings]) if not one.subject.startswith("extra")]
