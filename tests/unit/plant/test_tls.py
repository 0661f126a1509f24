"""What is said of certificate files that cannot be used."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from plant.errors import BrokerUnavailableError, ConfigurationError
from plant.identity import Authority, Identity, certificate_pem, key_pem, new_key
from plant.settings import TlsSettings
from plant.tls import client_context

NOW = datetime.now(UTC)
AUTHORITY = Authority.create("edges", NOW)


def identity(age: timedelta = timedelta(0)) -> Identity:
    key = new_key()
    return Identity(key, AUTHORITY.for_client("a/b/edge-1", key.public_key(), NOW - age))


@pytest.fixture
def tls(tmp_path: Path) -> TlsSettings:
    ca_file, file = tmp_path / "ca.pem", tmp_path / "identity.pem"
    ca_file.write_bytes(AUTHORITY.certificate_pem)
    file.write_bytes(identity().to_pem())
    return TlsSettings(ca_file=ca_file, certificate_file=file)


def written(file: Path | None, content: bytes) -> None:
    assert file is not None
    file.write_bytes(content)


def test_key_and_certificate_may_be_in_one_file(tls: TlsSettings) -> None:
    context = client_context(tls)

    assert context.check_hostname
    assert context.cert_store_stats()["x509_ca"] == 1


def test_a_key_in_a_file_of_its_own_is_used(tls: TlsSettings, tmp_path: Path) -> None:
    made = identity()
    written(tls.certificate_file, certificate_pem(made.certificate))
    (tmp_path / "key").write_bytes(key_pem(made.key))

    client_context(tls.model_copy(update={"key_file": tmp_path / "key"}))


def test_the_start_is_refused_when_files_do_not_fit(tls: TlsSettings, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(key_pem(new_key()))
    other_key = tls.model_copy(update={"key_file": tmp_path / "key"})
    absent = tls.model_copy(update={"certificate_file": tmp_path / "absent"})
    no_authority = tls.model_copy(update={"ca_file": tmp_path / "key"})

    with pytest.raises(ConfigurationError, match="belong together"):
        client_context(other_key)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        client_context(absent)
    with pytest.raises(ConfigurationError, match="holds no certificates"):
        client_context(no_authority)
    written(tls.certificate_file, b"nothing")
    with pytest.raises(ConfigurationError, match="must be PEM"):
        client_context(tls)


def test_an_expired_certificate_is_waited_out_as_it_may_be_renewed(tls: TlsSettings) -> None:
    written(tls.certificate_file, identity(timedelta(days=91)).to_pem())
    with pytest.raises(BrokerUnavailableError, match="expired on"):
        client_context(tls)

    written(tls.certificate_file, identity(-timedelta(days=1)).to_pem())
    with pytest.raises(BrokerUnavailableError, match="clock"):
        client_context(tls)
