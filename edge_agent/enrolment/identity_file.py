"""The file with this edge's key and certificate, which only its owner can read."""

import os
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from plant.errors import ConfigurationError
from plant.identity import Identity, key_pem, new_key


class IdentityFile:
    """Key and certificate in one file, so that a power cut cannot separate them.

    A new key waits beside it until there is a certificate for it: an answer that was lost on the
    way is then asked for again with the same key, and given again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._new_key_path = path.with_name(path.name + ".new-key")

    def read(self) -> Identity | None:
        """Return key and certificate, None when there is no file.

        Raises ConfigurationError when the file is unreadable or holds something else.
        """
        pem = _content(self._path)
        return None if pem is None else Identity.from_pem(pem)

    def pending_key(self) -> EllipticCurvePrivateKey:
        """Return the key that waits for its certificate; a new one when none does."""
        pem = _content(self._new_key_path)
        if pem is not None:
            with suppress(ValueError):
                key = load_pem_private_key(pem, None)
                if isinstance(key, EllipticCurvePrivateKey):
                    return key
        made = new_key()
        _write_private(self._new_key_path, key_pem(made))
        return made

    def replace(self, identity: Identity, chain: bytes) -> None:
        """Take up a new key and certificate; the old ones are there until the new ones are."""
        _write_private(self._path, identity.to_pem() + chain)
        self._new_key_path.unlink(missing_ok=True)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise ConfigurationError(f"{path} cannot be read: {exc.strerror}") from exc


def _write_private(path: Path, content: bytes) -> None:
    """Write a file that nobody else can read, all of it or nothing, durably."""
    beside = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as exc:
        raise ConfigurationError(f"{path} cannot be written: {exc.strerror}") from exc
