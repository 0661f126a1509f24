"""Files that browsers fetch: our own, and those of Swagger UI from a wheel that carries it."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import fastapi_offline

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_OWN = (
    "style.css",
    "boards.css",
    "fleet.css",
    "operator.css",
    "plot.js",
    "drawing.js",
    "live.js",
    "boards.js",
    "trend.css",
    "trend.js",
    "operator.js",
    "find.js",
    "import.js",
    "anomalies.css",
    "anomalies.js",
    "toast.js",
    "mapping.js",
    "corrections.js",
    "programme.css",
    "reference.js",
    "icons.svg",
)
_SWAGGER = ("swagger-ui-bundle.js", "swagger-ui.css")
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file with its address; the address names the content, so it may be kept for ever."""

    address: str
    media_type: str
    content: bytes
    compressed: bytes

    def headers(self, *, gzipped: bool) -> dict[str, str]:
        """Return the headers of an answer with this file."""
        headers = {"Cache-Control": _FOR_EVER, "Vary": "Accept-Encoding"}
        return headers | ({"Content-Encoding": "gzip"} if gzipped else {})


@cache
def load_assets() -> Mapping[str, Asset]:
    """Return every asset by name; each is read and compressed once."""
    static = files("api.pages") / "static"
    contents = {name: (static / name).read_bytes() for name in _OWN}
    swagger = files(fastapi_offline) / "static"
    contents |= {name: (swagger / name).read_bytes() for name in _SWAGGER}
    return {name: _asset(name, content) for name, content in contents.items()}


def _asset(name: str, content: bytes) -> Asset:
    digest = hashlib.sha256(content).hexdigest()[:12]
    stem, _, suffix = name.rpartition(".")
    return Asset(
        address=f"{stem}.{digest}.{suffix}",
        media_type=_TYPES[f".{suffix}"],
        content=content,
        compressed=gzip.compress(content, compresslevel=6, mtime=0),
    )
