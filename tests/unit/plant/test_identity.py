"""Authorities, requests and certificates, as values."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from plant.errors import ConfigurationError
from plant.identity import (
    EDGE_LIFE,
    Authority,
    Identity,
    holder_of,
    key_hash_of,
    new_key,
    read_request,
    renewal_signature,
    serial_of,
    signature_is_of,
    signing_request,
    validity_of,
)

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
EDGE = "co-khi-mau/bien-hoa/edge-1"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.create("edges", NOW)


def issued(authority: Authority, holder: str = EDGE, life: timedelta = EDGE_LIFE) -> Identity:
    key = new_key()
    return Identity(key, authority.for_client(holder, key.public_key(), NOW, life))


def usage_of(certificate: x509.Certificate) -> list[x509.ObjectIdentifier]:
    return list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)


def test_a_client_certificate_names_its_holder_and_serves_nothing_else(
    authority: Authority,
) -> None:
    certificate = issued(authority).certificate

    assert holder_of(certificate) == EDGE
    assert usage_of(certificate) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    basics = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert basics.critical
    assert basics.value.ca is False
    assert authority.issued(certificate)
    assert not Authority.create("edges", NOW).issued(certificate)


def test_an_edge_certificate_lives_ninety_days_and_is_due_after_two_thirds(
    authority: Authority,
) -> None:
    validity = validity_of(issued(authority).certificate)

    assert validity.end - NOW == timedelta(days=90)
    # It begins an hour early, for clocks that are late.
    assert validity.begin == NOW - timedelta(hours=1)
    assert validity.renew_at - validity.begin == (validity.end - validity.begin) * 2 / 3
    assert validity.days_left(NOW) == 90


def test_a_server_certificate_is_for_its_names_and_addresses(authority: Authority) -> None:
    key = new_key().public_key()
    certificate = authority.for_server("api", key, NOW, ["api", "127.0.0.1"])

    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["api"]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert usage_of(certificate) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_key_and_certificate_survive_their_file(authority: Authority) -> None:
    identity = issued(authority)

    again = Identity.from_pem(identity.to_pem())

    assert again.holder == EDGE
    assert again.certificate == identity.certificate
    assert key_hash_of(again.key.public_key()) == key_hash_of(identity.key.public_key())


def test_a_certificate_of_another_key_is_no_identity(authority: Authority) -> None:
    one, other = issued(authority), issued(authority)
    mixed = Identity(one.key, other.certificate).to_pem()

    with pytest.raises(ConfigurationError, match="another key"):
        Identity.from_pem(mixed)
    with pytest.raises(ConfigurationError, match="PEM"):
        Identity.from_pem(b"no key at all")


def test_a_name_longer_than_a_certificate_holds_is_refused(authority: Authority) -> None:
    with pytest.raises(ConfigurationError, match="64"):
        signing_request(new_key(), "a" * 30 + "/" + "b" * 30 + "/edge-1")


def test_a_request_is_read_when_it_is_signed_by_its_own_key() -> None:
    key = new_key()

    request = read_request(signing_request(key, EDGE))

    assert request.holder == EDGE
    assert request.key == key.public_key()


def test_a_request_is_refused_when_it_is_not_one_of_ours() -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, EDGE)])
    weak = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    two_names = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([*name, x509.NameAttribute(NameOID.COMMON_NAME, "ingest")])
    )
    genuine = x509.load_pem_x509_csr(signing_request(new_key(), EDGE)).public_bytes(Encoding.DER)
    # The last bytes are the signature.
    forged = x509.load_der_x509_csr(genuine[:-4] + bytes(4))

    for pem, words in (
        (b"nothing", "PEM"),
        (builder.sign(weak, SHA256()).public_bytes(Encoding.PEM), "P-256"),
        (two_names.sign(new_key(), SHA256()).public_bytes(Encoding.PEM), "one common name"),
        (forged.public_bytes(Encoding.PEM), "own key"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            read_request(pem)


def test_a_renewal_is_signed_by_the_old_key_for_one_request_only(authority: Authority) -> None:
    old, other = issued(authority), issued(authority)
    request = signing_request(new_key(), EDGE)
    signature = renewal_signature(old.key, request)

    assert signature_is_of(old.certificate, request, signature)
    assert not signature_is_of(other.certificate, request, signature)
    assert not signature_is_of(old.certificate, signing_request(new_key(), EDGE), signature)
    assert not signature_is_of(old.certificate, request, b"\x30\x06\x02\x01\x01\x02\x01\x01")


def test_the_revocation_list_names_what_is_revoked_and_outlives_every_holder(
    authority: Authority,
) -> None:
    revoked, good = issued(authority).certificate, issued(authority).certificate

    listed = x509.load_pem_x509_crl(authority.revocation_list([(serial_of(revoked), NOW)], NOW))

    key = authority.identity.certificate.public_key()
    assert listed.is_signature_valid(key)  # type: ignore[arg-type]  # an elliptic-curve key
    assert listed.get_revoked_certificate_by_serial_number(revoked.serial_number) is not None
    assert listed.get_revoked_certificate_by_serial_number(good.serial_number) is None
    assert listed.next_update_utc == authority.identity.validity.end
