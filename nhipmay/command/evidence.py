"""The commands `nhipmay evidence …`: bundles and their keys, and records checked again."""

from pathlib import Path
from typing import Annotated

import typer

from nhipmay.command.console import console
from nhipmay.command.option import Settings
from nhipmay.runtime import missing_extra
from plant.errors import ConfigurationError
from plant.settings import DatabaseSettings, load_settings

app = typer.Typer(help="Sign and check evidence that leaves the platform.", no_args_is_help=True)
key_app = typer.Typer(help="Keys that sign bundles.", no_args_is_help=True)
app.add_typer(key_app, name="key")


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The bundle.")],
    keys: Annotated[Path, typer.Option(help="JSON list of the public keys that are trusted.")],
) -> None:
    """Say whether every byte of a bundle is as it was signed; exit code 1 if not.

    Figures whose inputs are in the bundle are computed again.
    """
    try:
        from assessment.bundle import trusted_keys, verify_bundle
        from assessment.programme.bundling import RECORD, check_figures
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
    if RECORD not in found.files:
        return
    alike, faults = check_figures(found.files)
    for fault in faults:
        console().print(fault, markup=False)
    if alike:
        words = ", ".join(alike)
        console().print(f"tính lại như nhau / computed again alike: {words}", markup=False)
    if faults:
        raise typer.Exit(1)


@app.command()
def sign(
    record: Annotated[int, typer.Argument(help="Number of the record.")],
    key: Annotated[Path, typer.Option(help="Private key (PEM).")],
    out: Annotated[Path, typer.Option(help="The bundle to write.")],
    inputs: Annotated[
        bool,
        typer.Option("--inputs", help="With what figures came from; for the enterprise alone."),
    ] = False,
    settings: Settings = None,
) -> None:
    """Write the signed bundle of a record: content, steps, figures, files."""
    from nhipmay.evidencing import signed_record

    out.write_bytes(signed_record(_database(settings), record, key, with_inputs=inputs))
    console().print(f"{out} ({out.stat().st_size} byte)", markup=False)


@app.command()
def check(settings: Settings = None) -> None:
    """Compare every record with its digests, its chain and the audit; exit code 1 for a fault."""
    from nhipmay.evidencing import checked_records

    number, faults = checked_records(_database(settings))
    for fault in faults:
        console().print(fault, markup=False)
    if faults:
        raise typer.Exit(1)
    console().print(f"{number} hồ sơ: nguyên vẹn / records are whole", markup=False)


@app.command()
def recheck(
    record: Annotated[int | None, typer.Argument(help="A closed assessment; else all.")] = None,
    settings: Settings = None,
) -> None:
    """Compute closed assessments again; what differs becomes a draft that supersedes."""
    from nhipmay.evidencing import rechecked

    for number, differences in rechecked(_database(settings), record).items():
        state = "như đã chốt / as closed" if not differences else "khác, đã lập bản nháp mới"
        console().print(f"HS{number}: {state}", markup=False)
        for one in differences:
            console().print(f"  {one}", markup=False)


@key_app.command("new")
def new_key(
    file: Annotated[Path, typer.Argument(help="Private key to write (PEM, mode 600).")],
    keys: Annotated[Path, typer.Option(help="List of trusted keys that it is added to.")],
) -> None:
    """Make a key and trust it; former keys stay, and so do their bundles."""
    from nhipmay.evidencing import make_key

    console().print(f"khóa / key {make_key(file, keys)}", markup=False)


@key_app.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(help="Thumbprint of the key.")],
    keys: Annotated[Path, typer.Option(help="List of trusted keys.")],
    why: Annotated[str, typer.Option(help="Why, in Vietnamese; readers are told.")],
) -> None:
    """Trust a key no longer: whatever it signed is refused from now on."""
    from nhipmay.evidencing import revoke

    revoke(keys, key_id, why)
    console().print(f"đã thu hồi / revoked {key_id}", markup=False)


def _database(settings: Path | None) -> DatabaseSettings:
    from nhipmay.administration import MigrateSettings

    return load_settings(MigrateSettings, settings).database
