"""Signed bundles: sound ones open, any change is found and named, offline."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from assessment.bundle import TrustedKey, key_id, sign_bundle, verify_bundle
from assessment.bundle.archive import pack, unpack
from assessment.bundle.key import base64url
from nhipmay.cli import app
from plant.errors import DataError

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
TRUSTED = TrustedKey(x=base64url(KEY.public_key().public_bytes_raw()))
KEYS = {key_id(KEY.public_key()): TRUSTED}
FILES = {"records.json": b'{"value":"75"}', "files/report.docx": b"PK..."}
BUNDLE = sign_bundle(FILES, {"enterprise": "E1"}, KEY, datetime(2026, 12, 10, tzinfo=UTC))
PLACES = {*FILES, "manifest.json", "manifest.jws", "mục lục của gói"}


def test_a_sound_bundle_opens() -> None:
    found = verify_bundle(BUNDLE, KEYS)

    assert found.files == FILES
    assert found.predicate["enterprise"] == "E1"
    assert found.key_id in KEYS
    assert (
        sign_bundle(FILES, {"enterprise": "E1"}, KEY, datetime(2026, 12, 10, tzinfo=UTC)) == BUNDLE
    )


@pytest.mark.parametrize("change", [0x01, 0x80, 0xFF], ids=hex)
def test_every_byte_that_is_changed_is_found_and_its_place_named(change: int) -> None:
    for at in range(len(BUNDLE)):
        spoilt = bytearray(BUNDLE)
        spoilt[at] ^= change
        with pytest.raises(DataError) as caught:
            verify_bundle(bytes(spoilt), KEYS)
        assert any(place in caught.value.detail for place in PLACES), caught.value.detail


def test_bytes_cut_off_or_added_are_found() -> None:
    for content in (BUNDLE[:-1], BUNDLE[1:], BUNDLE + b"\0", b"\0" + BUNDLE, b""):
        with pytest.raises(DataError, match="bundle_damaged"):
            verify_bundle(content, KEYS)


def changed(**files: bytes | None) -> bytes:
    held = unpack(BUNDLE)
    for name, content in files.items():
        if content is None:
            del held[name]
        else:
            held[name] = content
    return pack(held)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (changed(**{"records.json": b"{}"}), "records.json: nội dung không khớp"),
        (changed(**{"records.json": None}), "records.json: thiếu trong gói"),
        (changed(**{"more.json": b"{}"}), "more.json: không có trong bản kê"),
        (changed(**{"manifest.jws": None}), "manifest.jws: không có trong gói"),
        (changed(**{"manifest.json": b"{}"}), "chữ ký không khớp bản kê"),
        (changed(**{"manifest.jws": b"a.b.c"}), "không phải JWS tách rời"),
    ],
)
def test_a_bundle_packed_again_with_other_files_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        verify_bundle(content, KEYS)


def test_a_key_that_is_unknown_or_revoked_is_refused() -> None:
    revoked = {name: TrustedKey(x=one.x, revoked_vi="lộ khóa") for name, one in KEYS.items()}

    with pytest.raises(DataError, match="không được tin cậy"):
        verify_bundle(BUNDLE, {})
    with pytest.raises(DataError, match="đã bị thu hồi: lộ khóa"):
        verify_bundle(BUNDLE, revoked)


@pytest.mark.parametrize("name", ["../x", "/x", "A", "x/", "manifest.json", "a//b"])
def test_names_are_plain(name: str) -> None:
    with pytest.raises(DataError):
        sign_bundle({name: b""}, {}, KEY, datetime(2026, 12, 10, tzinfo=UTC))


def test_the_command_verifies_offline(tmp_path: Path) -> None:
    (tmp_path / "bundle.zip").write_bytes(BUNDLE)
    (tmp_path / "keys.json").write_text(json.dumps([{"x": TRUSTED.x}]))
    command = ["evidence", "verify", str(tmp_path / "bundle.zip")]

    sound = CliRunner().invoke(app, [*command, "--keys", str(tmp_path / "keys.json")])
    assert sound.exit_code == 0
    assert "đúng như đã ký" in sound.output
    (tmp_path / "bundle.zip").write_bytes(BUNDLE[:-1])
    spoilt = CliRunner().invoke(app, [*command, "--keys", str(tmp_path / "keys.json")])
    assert isinstance(spoilt.exception, DataError)
