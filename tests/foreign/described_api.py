"""What Schemathesis is told besides the description of the API; runs in its own environment."""

import itertools
import json
from typing import Any

import schemathesis  # type: ignore[import-not-found]  # of its own environment

_NUMBERS = itertools.count()


def only_rules_between_fields_refuse(ctx: Any, response: Any, case: Any) -> None:
    """A request that the description allows is refused only for what no schema can say.

    Such as a window that ends before it begins: each of those has a code of its own, and is no
    `invalid-request`, unless it is a rule about the body as a whole.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.status_code not in {400, 413, 422}:
        return
    said = json.loads(response.content) if b"{" in response.content[:1] else {}
    if not str(said.get("type", "")).endswith(":invalid-request"):
        return
    places = [error["name"] for error in said.get("errors", [])]
    if any(place != "body" for place in places):
        raise AssertionError(f"the description allows what is refused at {', '.join(places)}")


def every_answer_has_its_headers(ctx: Any, response: Any, case: Any) -> None:
    """Whatever is answered carries an id, a policy, and says how long it may be kept."""
    for name in ("x-request-id", "content-security-policy", "cache-control"):
        if name not in response.headers:
            raise AssertionError(f"no {name}")


def a_problem_is_a_problem_document(ctx: Any, response: Any, case: Any) -> None:
    """An error of the API has its code, its words and the id of its request."""
    if not case.operation.path.startswith("/api/") or response.status_code < 400:
        return
    if case.operation.path.endswith("/oauth/token") and response.status_code in {400, 401}:
        return
    said = json.loads(response.content)
    lacking = {"type", "title", "status", "detail", "request_id"} - said.keys()
    if lacking or said["status"] != response.status_code:
        raise AssertionError(f"no problem document: lacks {lacking}")


def before_call(ctx: Any, case: Any, kwargs: Any) -> None:
    """Ask from another address each time: one that shows wrong tokens is told to wait."""
    number = next(_NUMBERS)
    case.headers["X-Forwarded-For"] = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


for check in (
    only_rules_between_fields_refuse,
    every_answer_has_its_headers,
    a_problem_is_a_problem_document,
):
    schemathesis.check(check)
schemathesis.hook(before_call)
