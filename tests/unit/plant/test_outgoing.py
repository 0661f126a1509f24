"""The guard on addresses that this installation calls: what it lets through, and what it pins."""

import ipaddress
from collections.abc import Callable, Sequence

import pytest

from plant.errors import TransientError
from plant.outgoing import OutgoingRefusedError, destination

PUBLIC = "93.184.216.34"


def name_is(*addresses: str) -> Callable[[str, int], Sequence[str]]:
    return lambda _host, _port: addresses


def test_a_public_address_is_let_through_and_pinned() -> None:
    where = destination("https://example.vn/a?b=1", resolve=name_is(PUBLIC, "2606:2800::1"))

    assert (where.host, where.port, where.target) == ("example.vn", 443, "/a?b=1")
    assert where.addresses == (PUBLIC, "2606:2800::1")


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1", "240.0.0.1"),
        *("255.255.255.255", "224.0.0.1", "239.1.1.1", "233.252.0.1"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "ff0e::1"),
        # Addresses within addresses.
        *("::ffff:127.0.0.1", "::ffff:93.184.216.34", "::127.0.0.1", "64:ff9b::7f00:1"),
        *("64:ff9b:1::a00:1", "2002:7f00:1::", "2001:0:7f00:1::"),
    ],
)
def test_what_is_not_public_is_refused_alone_and_beside_a_public_one(address: str) -> None:
    for addresses in ((address,), (PUBLIC, address)):
        with pytest.raises(OutgoingRefusedError) as refused:
            destination("https://example.vn/", resolve=name_is(*addresses))
        assert address not in str(refused.value)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::1]", "localhost"]
)
def test_loopback_is_refused_however_it_is_spelt(host: str) -> None:
    with pytest.raises(OutgoingRefusedError):
        destination(f"https://{host}/")


@pytest.mark.parametrize(
    "url",
    [
        *("", "example.vn", "//example.vn/", "ftp://example.vn/", "file:///etc/passwd"),
        *("gopher://example.vn/", "https:///x", "https://a@example.vn/", "https://a:b@example.vn/"),
        *("https://example.vn:0x50/", "https://example.vn:99999/", "https://example.vn/#x"),
        *("https://example.vn\\@127.0.0.1/", "https://exa mple.vn/", "https://example.vn/\r\nX: y"),
        *("https://ex\u0430mple.vn/", f"https://example.vn/{'x' * 2_000}", "https://[::1/"),
    ],
)
def test_what_is_no_plain_address_is_refused_before_a_name_is_looked_up(url: str) -> None:
    def looked_up(_host: str, _port: int) -> list[str]:
        raise AssertionError("nobody should be asked")

    with pytest.raises(OutgoingRefusedError):
        destination(url, resolve=looked_up)


def test_networks_that_are_named_may_be_called_without_tls_others_not() -> None:
    ours = [ipaddress.ip_network("10.1.0.0/16")]

    assert destination("http://mes/", ours, name_is("10.1.2.3")).port == 80
    for addresses in (("10.2.0.1",), ("10.1.2.3", "10.2.0.1"), ("10.1.2.3", PUBLIC), (PUBLIC,)):
        with pytest.raises(OutgoingRefusedError):
            destination("http://mes/", ours, name_is(*addresses))


def test_a_name_that_is_not_known_is_tried_again() -> None:
    with pytest.raises(TransientError, match="not known"):
        destination("https://example.vn/", resolve=name_is())
