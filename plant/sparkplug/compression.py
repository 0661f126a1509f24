"""Compressed payloads, as Eclipse Tahu and sparkplug-client send them when they are asked to.

The outer payload has a certain uuid, the inner one's compressed bytes as its body, and at most one
metric, which names the algorithm. The specification is silent about them.
"""

import zlib

import msgspec

from plant.errors import DataError
from plant.sparkplug.message import Payload
from plant.sparkplug.wire import decode

COMPRESSED = "SPBV1.0_COMPRESSED"
"""The uuid of a payload whose body is another one."""
ALGORITHM = "algorithm"
_ALGORITHMS = ("DEFLATE", "GZIP")
_WITH_HEADER = zlib.MAX_WBITS | 32
"""Either zlib's header or that of gzip."""


def opened(data: bytes, limit: int) -> Payload:
    """Return the payload that the bytes carry, inflated if it is compressed.

    Raises DataError `malformed`, `too_large` (beyond `limit` bytes when inflated) or
    `unknown_body`: what is understood in part only counts as not understood.
    """
    outer = decode(data)
    if outer.uuid != COMPRESSED:
        if outer.body:
            raise DataError("unknown_body", f"a body of the kind {outer.uuid!r} is not understood")
        return outer
    strange = [metric.name for metric in outer.metrics if metric.name != ALGORITHM]
    if strange or len(outer.metrics) > 1:
        raise DataError("malformed", "a compressed payload with metrics beside its algorithm")
    algorithm = outer.metrics[0].value if outer.metrics else _ALGORITHMS[0]
    if not isinstance(algorithm, str) or algorithm.upper() not in _ALGORITHMS:
        raise DataError("unknown_body", f"compressed by {algorithm!r}, which is not understood")
    inner = decode(_inflated(outer.body or b"", limit))
    if inner.uuid == COMPRESSED or inner.body:
        raise DataError("unknown_body", "a compressed payload within a compressed payload")
    if None not in {inner.seq, outer.seq} and inner.seq != outer.seq:
        raise DataError("malformed", f"two sequence numbers, {outer.seq} and {inner.seq}")
    seq = outer.seq if inner.seq is None else inner.seq
    timestamp = outer.timestamp if inner.timestamp is None else inner.timestamp
    return msgspec.structs.replace(inner, seq=seq, timestamp=timestamp)


def _inflated(body: bytes, limit: int) -> bytes:
    """Return what was compressed; whether there is a header is found out by trying."""
    try:
        return _inflated_as(_WITH_HEADER, body, limit)
    except zlib.error:
        pass
    try:
        return _inflated_as(-zlib.MAX_WBITS, body, limit)
    except zlib.error as exc:
        raise DataError("malformed", f"the body cannot be inflated: {exc}") from exc


def _inflated_as(form: int, body: bytes, limit: int) -> bytes:
    inflater = zlib.decompressobj(form)
    # One byte above the limit is enough to know, however much would come of it.
    data = inflater.decompress(body, limit + 1)
    if len(data) > limit:
        raise DataError("too_large", f"more than {limit} bytes when inflated")
    if not inflater.eof:
        raise DataError("malformed", "the compressed body ends before its end")
    if inflater.unused_data:
        raise DataError("malformed", "bytes follow the end of the compressed body")
    return data
