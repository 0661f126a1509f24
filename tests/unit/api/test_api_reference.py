"""The reference says what the service does: every endpoint, and the committed OpenAPI document."""

import ast
from collections.abc import Iterator
from pathlib import Path

from api import ApiSettings, create_app
from setup.openapi import openapi_text

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "docs" / "reference"


def test_every_endpoint_is_in_the_reference() -> None:
    written = (REFERENCE / "api.md").read_text(encoding="utf-8")
    paths = create_app(ApiSettings()).openapi()["paths"]
    asked = {f"`{method.upper()} {path}`" for path, item in paths.items() for method in item}
    missing = {words for words in asked if words not in written}
    assert not missing


def test_the_committed_document_is_the_present_one() -> None:
    committed = (REFERENCE / "openapi.json").read_text(encoding="utf-8")
    assert committed == openapi_text(), "run: python -m setup.openapi > docs/reference/openapi.json"


def problem_codes() -> Iterator[str]:
    """Yield the codes that the source gives to its errors."""
    for file in (ROOT / "api").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name("ProblemError"), args=[_, ast.Constant(str(code)), *_]):
                    yield code


def test_every_code_of_an_error_is_in_the_reference() -> None:
    written = (REFERENCE / "api.md").read_text(encoding="utf-8")
    codes = set(problem_codes())
    assert len(codes) >= 40
    assert not {code for code in codes if f"`{code}`" not in written}
