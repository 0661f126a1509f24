"""Writes the OpenAPI document: `python -m setup.openapi > docs/reference/openapi.json`."""

import json
import sys

from api.app import create_app
from api.settings import ApiSettings


def openapi_text() -> str:
    """Return the OpenAPI document as it is committed."""
    document = create_app(ApiSettings.model_construct()).openapi()
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(openapi_text())
