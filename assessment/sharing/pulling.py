"""The reference client of the pull API: resumable, verified, into JSON, CSV or XLSX.

What was pulled is kept as lines of JSON beside the cursor; each page is added, then the cursor
moves, so a client that was cut off goes on where it was and takes nothing twice.
"""

import base64
import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from openpyxl import Workbook

from assessment.programme.content import canonical_text, digest_of
from plant.errors import DataError, TransientError

Ask = Callable[[str, str, bytes | None, Mapping[str, str]], tuple[int, bytes]]
"""Calls an address: method, URL, body, headers; returns status and body."""
PAGE: Final = 200
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a run brought."""

    new: int
    rows: int
    """That hold now: of each key the newest, what was taken back left out."""
    cursor: int


class Puller:
    """Pulls one dataset into a folder."""

    def __init__(self, url: str, client_id: str, secret: str, ask: Ask, folder: Path) -> None:
        self._url = url.rstrip("/")
        self._client_id = client_id
        self._secret = secret
        self._ask = ask
        self._folder = folder

    def pull(self, dataset: str, form: str, correlation: str, as_of: str | None = None) -> Pulled:
        """Bring what is new, and write the rows that hold as a file of a form.

        Raises:
            DataError: A row is not what its digest says, or the other side refuses.
            TransientError: The other side is away or answers with something else than JSON.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        log = self._folder / f"{dataset}.jsonl"
        kept = _kept(log)
        cursor = kept[-1]["release"] if kept else 0
        token = self._token()
        new = 0
        while True:
            asked = {"after": cursor, "limit": PAGE} | ({"as_of": as_of} if as_of else {})
            path = f"/api/v1/programme/datasets/{dataset}/rows?{urlencode(asked)}"
            headers = {"Authorization": f"Bearer {token}", "X-Correlation-ID": correlation}
            page = self._json("GET", path, None, headers)
            rows = page["data"]
            for row in rows:
                if digest_of(canonical_text(row["content"])) != row["sha256"]:
                    words = f"dòng {row['release']}: nội dung không khớp mã băm"
                    raise DataError("row_damaged", words)
                if row["release"] <= cursor:
                    raise DataError("row_out_of_order", f"dòng {row['release']} đã có")
                cursor = row["release"]
            with log.open("a", encoding="utf-8") as file:
                file.writelines(f"{canonical_text(row)}\n" for row in rows)
            kept += rows
            new += len(rows)
            if not page["more"]:
                break
        holding = _holding(kept)
        _write(self._folder / f"{dataset}.{form}", form, holding)
        return Pulled(new, len(holding), cursor)

    def _token(self) -> str:
        pair = base64.b64encode(f"{self._client_id}:{self._secret}".encode()).decode()
        headers = {
            "Authorization": f"Basic {pair}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        body = b"grant_type=client_credentials"
        answer = self._json("POST", "/api/v1/oauth/token", body, headers)
        return str(answer["access_token"])

    def _json(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> dict[str, Any]:
        status, content = self._ask(method, self._url + path, body, headers)
        try:
            answer = json.loads(content)
        except ValueError as exc:
            raise TransientError(f"{path.partition('?')[0]}: {status}, no JSON") from exc
        if status >= 500 or status == 429:
            raise TransientError(f"{path.partition('?')[0]}: {status}")
        if status >= 400 or not isinstance(answer, dict):
            said = answer.get("detail") or answer.get("error") if isinstance(answer, dict) else ""
            raise DataError("pull_refused", f"{status} {said}")
        return answer


def _kept(log: Path) -> list[dict[str, Any]]:
    if not log.exists():
        return []
    content = log.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        # The last line was being written when this client was cut off.
        log.write_bytes(whole)
    return [json.loads(line) for line in whole.decode().splitlines()]


def _holding(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    newest = {row["key"]: row for row in rows}
    return [row["content"] for row in newest.values() if not row["withdrawn"]]


def _write(path: Path, form: str, rows: list[dict[str, Any]]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if form == "json":
        content = (canonical_text(rows) + "\n").encode()
    elif form == "csv":
        out = io.StringIO(newline="")
        writer = csv.writer(out)
        writer.writerow(columns)
        writer.writerows([_harmless(row.get(name)) for name in columns] for row in rows)
        content = b"\xef\xbb\xbf" + out.getvalue().encode()
    elif form == "xlsx":
        book = Workbook(write_only=True)
        sheet = book.create_sheet("data")
        sheet.append(columns)
        for row in rows:
            sheet.append([_harmless(row.get(name)) for name in columns])
        buffer = io.BytesIO()
        book.save(buffer)
        content = buffer.getvalue()
    else:
        raise DataError("unknown_form", f"{form!r}: json, csv hoặc xlsx")
    partial = path.with_suffix(f"{path.suffix}.part")
    partial.write_bytes(content)
    partial.replace(path)


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value
