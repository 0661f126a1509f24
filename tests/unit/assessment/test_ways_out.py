"""The reference client and the ways to the provincial platform, with other sides made by hand."""

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from assessment.programme.content import canonical_text, digest_of
from assessment.sharing import Puller
from assessment.sharing.lgsp import FileDrop, LgspPush, LgspSettings
from plant.errors import DataError, TransientError


def released(number: int, key: str, *, gone: bool = False, **content: Any) -> dict[str, Any]:
    return {
        "release": number,
        "key": key,
        "content": content,
        "sha256": digest_of(canonical_text(content)),
        "released_at": "2026-12-01T00:00:00Z",
        "withdrawn": gone,
    }


ROWS = [
    released(1, "a", ma="A", so=1),
    released(2, "b", ma="=B()", so=2),
    released(3, "a", ma="A", so=3),
    released(4, "b", gone=True, thu_hoi=True),
    released(5, "c", ma="=C()", so=5),
]


class Platform:
    """Answers two rows a page; may break after some calls."""

    def __init__(self, rows: list[dict[str, Any]], breaks_at: int = 0) -> None:
        self.rows, self.breaks_at, self.calls = rows, breaks_at, 0
        self.seen: list[Mapping[str, str]] = []

    def ask(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        self.seen.append(headers)
        if url.endswith("/oauth/token"):
            assert (method, body) == ("POST", b"grant_type=client_credentials")
            return 200, b'{"access_token": "t"}'
        self.calls += 1
        if self.calls == self.breaks_at:
            return 503, b"<html>down</html>"
        after = int(url.partition("after=")[2].partition("&")[0])
        page = [one for one in self.rows if one["release"] > after][:2]
        more = bool(page) and page[-1]["release"] < self.rows[-1]["release"]
        answer = {"data": page, "next": 0, "more": more, "as_of": "2026-12-01T00:00:00Z"}
        return 200, json.dumps(answer).encode()


def puller(platform: Platform, folder: Path) -> Puller:
    return Puller("https://x.vn/", "id", "geheim", platform.ask, folder)


def test_a_client_that_was_cut_off_goes_on_where_it_was(tmp_path: Path) -> None:
    with pytest.raises(TransientError):
        puller(Platform(ROWS, breaks_at=2), tmp_path).pull("d", "json", "c")
    with (tmp_path / "d.jsonl").open("a") as file:
        file.write('{"release": 3, "half')
    found = puller(Platform(ROWS), tmp_path).pull("d", "json", "c")
    again = puller(Platform(ROWS), tmp_path).pull("d", "json", "c")

    assert (found.new, found.rows, found.cursor) == (3, 2, 5)
    assert (again.new, again.rows) == (0, 2)
    assert json.loads((tmp_path / "d.json").read_text()) == [
        {"ma": "A", "so": 3},
        {"ma": "=C()", "so": 5},
    ]


def test_files_are_harmless_and_the_token_goes_with_each_call(tmp_path: Path) -> None:
    platform = Platform(ROWS)
    puller(platform, tmp_path).pull("d", "csv", "mã-1")
    puller(Platform(ROWS), tmp_path).pull("d", "xlsx", "c")

    text = (tmp_path / "d.csv").read_text("utf-8-sig")
    sheet = load_workbook(tmp_path / "d.xlsx").active
    assert text.splitlines() == ["ma,so", "A,3", "'=C(),5"]
    assert sheet is not None
    assert sheet["A3"].value == "'=C()"
    pair = base64.b64encode(b"id:geheim").decode()
    assert platform.seen[0]["Authorization"] == f"Basic {pair}"
    assert {one.get("Authorization") for one in platform.seen[1:]} == {"Bearer t"}


def test_a_row_that_was_changed_on_the_way_is_refused(tmp_path: Path) -> None:
    changed = [ROWS[0], ROWS[1] | {"content": {"ma": "B", "so": 200}}]
    with pytest.raises(DataError, match="mã băm"):
        puller(Platform(changed), tmp_path).pull("d", "json", "c")
    with pytest.raises(DataError, match="đã có"):
        puller(Platform([ROWS[0], ROWS[0]]), tmp_path / "x").pull("d", "json", "c")


Answer = tuple[int, bytes]


def push(answers: list[Answer], **said: Any) -> tuple[LgspPush, list[Mapping[str, str]]]:
    seen: list[Mapping[str, str]] = []

    def post(_url: str, _body: bytes, headers: Mapping[str, str]) -> Answer:
        seen.append(headers)
        return answers[len(seen) - 1]

    credentials = {"AccessKey": "k", "SecretKey": "s"}
    settings = {"url": "https://lgsp.vn/x", "credentials": credentials, **said}
    typed: Callable[[str, bytes, Mapping[str, str]], Answer] = post
    return LgspPush(LgspSettings.model_validate(settings), typed), seen


OK: Answer = (200, b'{"error_code": "0", "result": [], "message": "ok"}')


def test_a_platform_with_tokens_gets_both_headers() -> None:
    way, seen = push(
        [(200, b'{"access_token": "T"}'), OK], token_url="https://lgsp.vn/token", client_id="c"
    )
    key = way.hand_over("d", [{"ma": "A"}])

    packed = base64.b64encode(b'{"AccessKey": "k", "SecretKey": "s"}').decode()
    assert seen[1]["Authorization"] == "Bearer T"
    assert seen[0]["lgspaccesstoken"] == seen[1]["lgspaccesstoken"] == packed
    assert seen[1]["Idempotency-Key"] == key


def test_a_platform_with_plain_credentials_gets_them_as_authorisation() -> None:
    way, seen = push([OK, OK], pattern="basic")
    assert way.hand_over("d", [{"ma": "A"}]) == way.hand_over("d", [{"ma": "A"}])
    assert seen[0]["Authorization"].startswith("eyJ")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((200, b'{"error_code": "401", "message": "sai ma"}'), DataError),
        ((200, b"{}"), DataError),
        ((200, b"<html>Loi</html>"), TransientError),
        ((502, b"[]"), TransientError),
    ],
)
def test_success_is_what_the_code_says_not_the_status(
    answer: Answer, error: type[Exception]
) -> None:
    way, _ = push([answer], pattern="basic")
    with pytest.raises(error) as refused:
        way.hand_over("d", [{"ma": "A"}])
    assert "AccessKey" not in str(refused.value)


def test_the_same_rows_are_left_as_one_file(tmp_path: Path) -> None:
    drop = FileDrop(tmp_path)
    drop.hand_over("d", [{"ma": "A"}])
    drop.hand_over("d", [{"ma": "A"}])
    (file,) = tmp_path.glob("*.json")
    assert json.loads(file.read_text()) == {"data": [{"ma": "A"}], "dataset": "d"}
