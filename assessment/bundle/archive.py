"""The one form of a bundle's archive: a ZIP without compression, without times, in one order.

As there is one form only, whoever has the files can build the archive again and compare every byte:
none is outside of what the signature covers.
"""

import io
import re
import struct
import zipfile
from collections.abc import Mapping

from plant.errors import DataError

MANIFEST = "manifest.json"
SIGNATURE = "manifest.jws"
MOST_BYTES = 500_000_000
_NAME = re.compile(r"^[a-z0-9][a-z0-9_\-]*(?:[./][a-z0-9][a-z0-9_\-]*)*$")
_BROKEN = (
    zipfile.BadZipFile,
    ValueError,
    NotImplementedError,
    EOFError,
    KeyError,
    IndexError,
    RuntimeError,
    OverflowError,
    OSError,
    struct.error,
)
"""What zipfile raises on an archive that is not as it should be."""


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return the archive of files; their order is that of their names.

    Raises:
        DataError: A name is not plain: small letters, digits, `_`, `-`, dots and folders.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            if not _NAME.match(name) or len(name) > 200:
                raise DataError("name_not_plain", f"tên tệp {name!r} không hợp lệ trong gói")
            entry = zipfile.ZipInfo(name)
            # Said, as zipfile else writes on which system it runs: the same files would make two
            # archives.
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, files[name])
    return out.getvalue()


def unpack(content: bytes) -> dict[str, bytes]:
    """Return the files of an archive.

    Raises:
        DataError: It is no archive of the one form; the message names the place.
    """
    if len(content) > MOST_BYTES:
        raise DataError("bundle_damaged", f"gói lớn hơn {MOST_BYTES} byte")
    files: dict[str, bytes] = {}
    place = "mục lục của gói"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            # Nothing is compressed, so whoever claims more than there is only wants the memory.
            if sum(entry.file_size for entry in entries) > len(content):
                raise DataError("bundle_damaged", f"{place}: kích thước không khớp")
            for entry in entries:
                place = entry.filename
                if entry.compress_type != zipfile.ZIP_STORED or place in files:
                    raise DataError("bundle_damaged", f"{place}: nén hoặc có hai lần")
                files[place] = archive.read(entry)
    except _BROKEN as exc:
        raise DataError("bundle_damaged", f"{place}: không đọc được ({exc})") from exc
    again = pack(files)
    if again != content:
        raise DataError("bundle_damaged", _difference(again, content))
    return files


def _difference(again: bytes, content: bytes) -> str:
    pairs = zip(again, content, strict=False)
    shorter = min(len(again), len(content))
    at = next((index for index, (one, other) in enumerate(pairs) if one != other), shorter)
    place = "mục lục của gói"
    with zipfile.ZipFile(io.BytesIO(again)) as archive:
        if at < archive.start_dir:
            place = [one.filename for one in archive.infolist() if one.header_offset <= at][-1]
    return f"{place}: vỏ của gói bị đổi ở byte {at}"
