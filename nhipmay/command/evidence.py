"""The command `nhipmay evidence`: what the department received, checked offline."""

from pathlib import Path
from typing import Annotated

import typer

from nhipmay.command.console import console
from nhipmay.runtime import missing_extra
from plant.errors import ConfigurationError

app = typer.Typer(help="Check evidence that left the platform.", no_args_is_help=True)


@app.callback()
def _evidence() -> None:
    """Check evidence that left the platform."""


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The bundle.")],
    keys: Annotated[Path, typer.Option(help="JSON list of the public keys that are trusted.")],
) -> None:
    """Say whether every byte of a bundle is as it was signed; exit code 1 if not."""
    try:
        from assessment.bundle import trusted_keys, verify_bundle
    except ImportError as exc:
        raise missing_extra("evidence", "assessment", exc) from exc
    for path in (file, keys):
        if not path.is_file():
            raise ConfigurationError(f"{path} is no file")
    found = verify_bundle(file.read_bytes(), trusted_keys(keys.read_bytes()))
    console().print(f"{file.name}: đúng như đã ký / as signed", markup=False)
    console().print(f"khóa / key {found.key_id}", markup=False)
    for name, content in found.files.items():
        console().print(f"  {name} ({len(content)} byte)", markup=False)
