"""What was released stays: no breaking change of the API without another version in its address."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from setup.compatibility import breaks

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
RELEASED = json.loads((REFERENCE / "openapi-released.json").read_text(encoding="utf-8"))


def test_the_present_api_serves_who_was_written_for_the_released_one() -> None:
    present = json.loads((REFERENCE / "openapi.json").read_text(encoding="utf-8"))

    assert breaks(RELEASED, present) == []


def test_every_form_of_an_answer_has_a_name_of_its_own() -> None:
    present = json.loads((REFERENCE / "openapi.json").read_text(encoding="utf-8"))

    # Of two classes of one name both get their modules before it.
    assert [name for name in present["components"]["schemas"] if name.startswith("api__")] == []


def stops(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"]["/api/v1/stops"]["get"]
    return found


def schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


def without_a_path(document: dict[str, Any]) -> None:
    del document["paths"]["/api/v1/stops"]


def without_a_parameter(document: dict[str, Any]) -> None:
    del stops(document)["parameters"][0]


def with_a_required_parameter(document: dict[str, Any]) -> None:
    more = {"name": "more", "in": "query", "required": True, "schema": {"type": "string"}}
    stops(document)["parameters"].append(more)


def with_a_smaller_bound(document: dict[str, Any]) -> None:
    for parameter in stops(document)["parameters"]:
        if parameter["name"] == "limit":
            parameter["schema"]["maximum"] = 10


def without_a_choice(document: dict[str, Any]) -> None:
    for parameter in stops(document)["parameters"]:
        if parameter["name"] == "format":
            parameter["schema"]["enum"].remove("csv")


def without_a_field(document: dict[str, Any]) -> None:
    del schema(document, "StopOut")["properties"]["start"]


def with_a_field_of_another_kind(document: dict[str, Any]) -> None:
    schema(document, "StopOut")["properties"]["minor"] = {"type": "integer"}


def with_a_field_that_may_be_null(document: dict[str, Any]) -> None:
    kind = schema(document, "StopOut")["properties"]["start"]
    schema(document, "StopOut")["properties"]["start"] = {"anyOf": [kind, {"type": "null"}]}


def with_a_field_that_has_to_be_sent(document: dict[str, Any]) -> None:
    body = schema(document, "ClassificationIn")
    body["properties"]["why"] = {"type": "string"}
    body["required"].append("why")


def with_a_field_that_may_be_left_out(document: dict[str, Any]) -> None:
    schema(document, "StopOut")["required"].remove("start")


@pytest.mark.parametrize(
    "change",
    [
        without_a_path,
        without_a_parameter,
        with_a_required_parameter,
        with_a_smaller_bound,
        without_a_choice,
        without_a_field,
        with_a_field_of_another_kind,
        with_a_field_that_may_be_null,
        with_a_field_that_has_to_be_sent,
        with_a_field_that_may_be_left_out,
    ],
)
def test_what_breaks_others_is_found(change: Any) -> None:
    changed = deepcopy(RELEASED)
    change(changed)

    assert len(breaks(RELEASED, changed)) >= 1


def test_what_is_added_breaks_nobody() -> None:
    changed = deepcopy(RELEASED)
    changed["paths"]["/api/v1/more"] = {"get": stops(changed)}
    stops(changed)["parameters"].append(
        {"name": "more", "in": "query", "required": False, "schema": {"type": "string"}}
    )
    schema(changed, "StopOut")["properties"]["more"] = {"type": "string"}
    schema(changed, "ClassificationIn")["properties"]["more"] = {"type": "string"}

    assert breaks(RELEASED, changed) == []
