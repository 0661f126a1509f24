"""Handing released rows to the provincial platform (LGSP), whose specification is not public.

What provinces are seen to differ in are settings: names of headers, whether a token is fetched
first, what the envelope is called, which code means success. An answer is judged by that code, not
by the status of HTTP; one that is no JSON is no success. Headers are never logged.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, SecretStr

from assessment.programme.content import canonical_text, digest_of
from plant.errors import DataError, TransientError

Post = Callable[[str, bytes, Mapping[str, str]], tuple[int, bytes]]
"""Posts a body to an address with headers; returns status and body."""


class LgspSettings(BaseModel):
    """How one province's platform wants to be spoken to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    """Where rows are posted."""
    pattern: Literal["token", "basic"] = "token"
    """`token`: client credentials are exchanged, and each call sends both headers; `basic`: the
    credentials themselves are the authorisation."""
    token_url: str | None = None
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    credentials: dict[str, SecretStr] = {}
    """Such as AccessKey, SecretKey, AppName, PartnerCode; sent as base64 of JSON."""
    credentials_header: str = "lgspaccesstoken"
    envelope: str = "data"
    code_field: str = "error_code"
    message_field: str = "message"
    success_codes: tuple[str, ...] = ("0", "200", "SUCCESS")
    key_header: str = "Idempotency-Key"


class Outlet(Protocol):
    """A way to the provincial platform."""

    def hand_over(self, dataset: str, rows: Sequence[Mapping[str, Any]]) -> str:
        """Give rows; return the receipt. The same rows have the same key, however often given."""


class LgspPush:
    """Posts rows by REST."""

    def __init__(self, settings: LgspSettings, post: Post) -> None:
        self._settings = settings
        self._post = post

    def hand_over(self, dataset: str, rows: Sequence[Mapping[str, Any]]) -> str:
        """Post rows; return their key.

        Raises:
            DataError: The platform refuses; its own words are in the message.
            TransientError: It is away, or answers with something else than JSON.
        """
        said = self._settings
        text = canonical_text({said.envelope: list(rows), "dataset": dataset})
        key = digest_of(text)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            said.key_header: key,
            **self._authorisation(),
        }
        self._answer(self._post(said.url, text.encode(), headers))
        return key

    def _authorisation(self) -> dict[str, str]:
        said = self._settings
        plain = {name: value.get_secret_value() for name, value in said.credentials.items()}
        packed = base64.b64encode(json.dumps(plain, sort_keys=True).encode()).decode()
        if said.pattern == "basic":
            return {"Authorization": packed}
        if said.token_url is None:
            raise DataError("lgsp_not_set", "kiểu 'token' cần token_url")
        pair = f"{said.client_id}:{said.client_secret.get_secret_value()}"
        headers = {
            "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
            said.credentials_header: packed,
        }
        answer = _object(self._post(said.token_url, b"grant_type=client_credentials", headers))
        token = answer.get("access_token")
        if not isinstance(token, str):
            raise DataError("lgsp_refused", "không nhận được access_token")
        return {"Authorization": f"Bearer {token}", said.credentials_header: packed}

    def _answer(self, answer: tuple[int, bytes]) -> None:
        said = self._settings
        content = _object(answer)
        code = str(content.get(said.code_field, ""))
        if code not in said.success_codes:
            words = str(content.get(said.message_field, ""))[:300]
            raise DataError("lgsp_refused", f"{said.code_field}={code or '?'}: {words}")


class FileDrop:
    """Leaves rows as a file in a folder that another system empties."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def hand_over(self, dataset: str, rows: Sequence[Mapping[str, Any]]) -> str:
        """Write rows under the name of their digest; the same rows are one file."""
        text = canonical_text({"data": list(rows), "dataset": dataset})
        key = digest_of(text)
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{dataset}-{key[:16]}.json"
        partial = path.with_suffix(".part")
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
        return key


def _object(answer: tuple[int, bytes]) -> dict[str, Any]:
    status, body = answer
    try:
        content = json.loads(body)
    except ValueError as exc:
        raise TransientError(f"LGSP: {status}, not JSON") from exc
    if not isinstance(content, dict):
        raise TransientError(f"LGSP: {status}, no object")
    return content
