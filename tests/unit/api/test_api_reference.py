"""The reference says what the service does: every endpoint, and the committed OpenAPI document."""

from pathlib import Path

from api import ApiSettings, create_app
from setup.openapi import openapi_text

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"


def test_every_endpoint_is_in_the_reference() -> None:
    written = (REFERENCE / "api.md").read_text(encoding="utf-8")
    paths = create_app(ApiSettings()).openapi()["paths"]
    asked = {f"`{method.upper()} {path}`" for path, item in paths.items() for method in item}
    missing = {words for words in asked if words not in written}
    assert not missing


def test_the_committed_document_is_the_present_one() -> None:
    committed = (REFERENCE / "openapi.json").read_text(encoding="utf-8")
    assert committed == openapi_text(), "run: python -m setup.openapi > docs/reference/openapi.json"
