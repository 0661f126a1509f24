"""The commands `nhipmay account …`."""

import getpass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nhipmay.command.console import console
from nhipmay.command.option import Settings
from nhipmay.runtime import missing_extra
from plant.clock import system_clock
from plant.errors import ConfigurationError
from plant.settings import load_settings

if TYPE_CHECKING:
    from store.access.account import AccessStore

app = typer.Typer(no_args_is_help=True, help="Add people and systems, and let them in.")

Login = Annotated[str, typer.Argument(help="Login, such as ky-su.an.")]


@app.command("add")
def add(
    login: Login,
    name: Annotated[str, typer.Option(help="Name of the person or system.")],
    role: Annotated[str, typer.Option(help="technician, engineer, operator, manager, officer, …")],
    organisation: Annotated[
        str, typer.Option(help="Its code; of an enterprise, that of its data.")
    ],
    kind: Annotated[str, typer.Option(help="enterprise, department or consultant.")] = "enterprise",
    settings: Settings = None,
) -> None:
    """Add somebody, and print the one-time path by which they set their password."""
    from api.access.administration import add_account, make_link
    from api.access.role import Role

    store, now = _store(settings), system_clock()
    try:
        known = Role(role)
    except ValueError as exc:
        raise ConfigurationError(f"{role!r} is no role; known: {', '.join(Role)}") from exc
    add_account(store, login, name, known, organisation, kind, now, _who())
    typer.echo(f"/sign-in/link/{make_link(store, login, now, _who())}")
    store.close()


@app.command("link")
def link(login: Login, settings: Settings = None) -> None:
    """Print a new one-time path for somebody; takes the second factor away, lets them in again."""
    from api.access.administration import make_link

    store = _store(settings)
    typer.echo(f"/sign-in/link/{make_link(store, login, system_clock(), _who())}")
    store.close()


@app.command("disable")
def disable_account(login: Login, settings: Settings = None) -> None:
    """Close an account and end its sessions."""
    from api.access.administration import disable

    store = _store(settings)
    disable(store, login, system_clock(), _who())
    store.close()


@app.command("list")
def list_accounts(settings: Settings = None) -> None:
    """Show every account: role, organisation, last use, whether it is closed."""
    store = _store(settings)
    with store.transaction() as t:
        for one in t.accounts():
            used = f"{one.used_at:%Y-%m-%d}" if one.used_at else "never used"
            state = "closed" if one.disabled_at else "second factor" if one.totp_secret else ""
            console().print(one.login, one.role, one.organisation, used, state)
    store.close()


@app.command("token")
def token(
    login: Login,
    name: Annotated[str, typer.Option(help="What it is for.")],
    right: Annotated[list[str], typer.Option(help="figures, aggregates, …; may be repeated.")],
    days: Annotated[int, typer.Option(min=1, max=366)] = 90,
    client: Annotated[bool, typer.Option(help="A client of OAuth 2.0.")] = False,
    settings: Settings = None,
) -> None:
    """Make a token for a program; it is shown this once."""
    from api.access.administration import add_token
    from api.access.role import Right

    store, now = _store(settings), system_clock()
    try:
        rights = [Right(one) for one in right]
    except ValueError as exc:
        raise ConfigurationError(f"{exc}; known: {', '.join(Right)}") from exc
    kind = "client" if client else "personal"
    until = now + timedelta(days=days)
    token_id, secret = add_token(store, login, name, rights, kind, until, now, _who())
    typer.echo(f"id: {token_id}\nsecret: {secret}")
    store.close()


@app.command("revoke-token")
def revoke(login: Login, token_id: str, settings: Settings = None) -> None:
    """Make a token worthless."""
    from api.access.administration import revoke_token

    store = _store(settings)
    revoke_token(store, login, token_id, system_clock(), _who())
    store.close()


def _store(settings: Path | None) -> "AccessStore":
    try:
        from api import ApiSettings
        from store.access.account import AccessStore
    except ImportError as exc:
        raise missing_extra("account", "api", exc) from exc
    return AccessStore(load_settings(ApiSettings, settings).writing())


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "administrator"
