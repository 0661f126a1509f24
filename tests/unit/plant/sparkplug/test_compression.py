"""Compressed payloads are read whole, or refused."""

import gzip
import zlib

import pytest

from plant.errors import DataError
from plant.sparkplug import COMPRESSED, DataType, Metric, Payload, encode, opened

INNER = Payload(
    timestamp=5,
    seq=7,
    metrics=[Metric(name="x", datatype=DataType.INT32, value=k) for k in range(9)],
)
LIMIT = 1_000


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def outer(body: bytes | None, algorithm: object = None, **more: object) -> bytes:
    metrics = []
    if algorithm is not None:
        metrics = [Metric(name="algorithm", datatype=DataType.STRING, value=algorithm)]  # type: ignore[arg-type]  # also what is no name
    return encode(Payload(**{"uuid": COMPRESSED, "body": body, "metrics": metrics} | more))  # type: ignore[arg-type]  # keyword arguments of tests


@pytest.mark.parametrize("pack", [zlib.compress, gzip.compress, raw_deflate])
@pytest.mark.parametrize("algorithm", [None, "DEFLATE", "GZIP", "gzip"])
def test_what_was_compressed_comes_back(pack: object, algorithm: str | None) -> None:
    assert callable(pack)
    assert opened(outer(pack(encode(INNER)), algorithm), LIMIT) == INNER


def test_number_and_time_of_the_outer_payload_serve_where_the_inner_one_has_none() -> None:
    inner = Payload(metrics=INNER.metrics)
    packed = zlib.compress(encode(inner))

    assert opened(outer(packed, seq=3, timestamp=9), LIMIT) == Payload(9, INNER.metrics, 3)
    assert opened(outer(packed), LIMIT) == inner


def test_a_payload_that_is_not_compressed_is_itself() -> None:
    assert opened(encode(INNER), LIMIT) == INNER
    named = Payload(1, INNER.metrics, 2, uuid="a0")
    assert opened(encode(named), LIMIT) == named


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (outer(zlib.compress(bytes(100_000_000))), "too_large"),
        (outer(zlib.compress(encode(INNER)), "LZ4"), "unknown_body"),
        (outer(zlib.compress(encode(INNER)), 5), "unknown_body"),
        (outer(zlib.compress(encode(INNER))[:-6]), "malformed"),
        (outer(zlib.compress(encode(INNER)) + b"x"), "malformed"),
        (outer(b"not compressed"), "malformed"),
        (outer(b""), "malformed"),
        (outer(None), "malformed"),
        (outer(zlib.compress(b"\x12\x7f")), "malformed"),
        (outer(zlib.compress(encode(INNER)), seq=8), "malformed"),
        (outer(zlib.compress(outer(zlib.compress(encode(INNER))))), "unknown_body"),
        (outer(zlib.compress(encode(INNER)), metrics=INNER.metrics), "malformed"),
        (encode(Payload(uuid="own format", body=b"x", metrics=INNER.metrics)), "unknown_body"),
        (encode(Payload(body=b"x")), "unknown_body"),
    ],
)
def test_what_is_not_wholly_understood_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        opened(data, LIMIT)
