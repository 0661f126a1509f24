"""The command `nhipmay grafana`."""

from pathlib import Path
from typing import Annotated

import typer

from nhipmay.command.console import console
from nhipmay.command.option import Settings
from nhipmay.runtime import missing_extra
from plant.errors import ConfigurationError
from plant.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Bring boards and alert rules to a Grafana.")


@app.command("push")
def push(
    url: Annotated[str, typer.Argument(help="Address of Grafana, such as https://grafana:3000.")],
    password_file: Annotated[Path, typer.Option(help="File with the administrator's password.")],
    api: Annotated[str, typer.Option(help="Address of our API as Grafana reaches it.")],
    user: Annotated[str, typer.Option(help="Name of Grafana's administrator.")] = "admin",
    database: Annotated[
        str | None, typer.Option(help="host:port of the database as Grafana reaches it.")
    ] = None,
    enterprise: Annotated[
        list[str] | None, typer.Option(help="Only this one; may be repeated.")
    ] = None,
    notify: Annotated[
        list[str] | None,
        typer.Option(help="Whom alerts reach: e-mail address or webhook; may be repeated."),
    ] = None,
    settings: Settings = None,
) -> None:
    """Make an organisation per enterprise, with its own logins, boards and alert rules.

    Again and again, it changes nothing but tokens, which are renewed.
    """
    try:
        from api import ApiSettings
        from nhipmay.grafana import push_to_grafana
    except ImportError as exc:
        raise missing_extra("grafana push", "api,dashboards", exc) from exc
    try:
        password = password_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(f"{password_file} cannot be read: {exc}") from exc
    known = load_settings(ApiSettings, settings)
    for line in push_to_grafana(
        known, url, (user, password), api, database, enterprise or [], tuple(notify or [])
    ):
        console().print(line, markup=False)
