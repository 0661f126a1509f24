"""The commands `nhipmay edge …`: the agent, and what an administrator does about edges."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
import yaml

from nhipmay.command import edge_browse, edge_look, edge_trust, edge_unit
from nhipmay.command.console import console
from nhipmay.command.option import Settings
from nhipmay.edge_service import run_edge
from nhipmay.runtime import missing_extra
from plant.settings import load_settings

app = typer.Typer(invoke_without_command=True)
app.command("browse")(edge_browse.browse_source)
app.command("read")(edge_look.read_edge)
app.command("watch")(edge_look.watch_edge)
app.command("import-tags")(edge_look.import_tags)
app.command("trust")(edge_trust.trust)
app.command("unit")(edge_unit.write_unit)


@app.callback()
def edge(context: typer.Context, settings: Settings = None) -> None:
    """Run an edge agent: read machines, keep every value safe, send it to the platform."""
    if context.invoked_subcommand is not None:
        return
    run_edge(settings)


@app.command("push-config")
def push_edge_config(
    file: Annotated[Path, typer.Argument(help="YAML file with one key, sources.")],
    edge: Annotated[str, typer.Option(help="Which edge: enterprise/site/edge.")],
    who: Annotated[str, typer.Option(help="Who pushes, for the trail.")],
    why: Annotated[str, typer.Option(help="Why, for the trail.")],
    settings: Settings = None,
) -> None:
    """Tell an edge what to read from now on; SETTINGS is the file of the ingest."""
    try:
        from ingest import IngestSettings
        from nhipmay.configuring import push_config
    except ImportError as exc:
        raise missing_extra("edge push-config", "edge,ingest", exc) from exc
    ingest_settings = load_settings(IngestSettings, settings)
    console().print(push_config(ingest_settings, edge, file, who, why), markup=False)


@app.command("enrol")
def enrol_edge(
    invitation: Annotated[Path, typer.Argument(help="Invitation from the administrator.")],
    settings: Settings = None,
) -> None:
    """Get this edge's certificate for an invitation; its key is made here and stays here."""
    try:
        from nhipmay.enrolment import enrol
    except ImportError as exc:
        raise missing_extra("edge enrol", "edge", exc) from exc
    console().print(enrol(invitation, settings), markup=False, highlight=False)


@app.command("invite")
def invite_edge(
    edge: Annotated[str, typer.Argument(help="Which edge: enterprise/site/edge.")],
    out: Annotated[
        Path | None, typer.Option(help="File for the invitation; else it is printed.")
    ] = None,
    hours: Annotated[float, typer.Option(min=0.1, max=720, help="How long it is good.")] = 48,
    token_file: Annotated[
        Path | None, typer.Option(help="Register this token; nothing is printed.")
    ] = None,
    settings: Settings = None,
) -> None:
    """Make an invitation with which one edge can enrol once (administrator)."""
    try:
        from nhipmay.authority import AdministrationSettings, invite, write_invitation
    except ImportError as exc:
        raise missing_extra("edge invite", "ingest", exc) from exc
    loaded = load_settings(AdministrationSettings, settings)
    invitation = invite(loaded, edge, timedelta(hours=hours), token_file)
    if out is not None:
        write_invitation(out, invitation)
        console().print(f"wrote {out}; hand it to whoever installs {edge}, and to nobody else")
    elif token_file is None:
        typer.echo(yaml.safe_dump(invitation, sort_keys=False), nl=False)
    else:
        console().print(f"{edge} is invited")


@app.command("revoke")
def revoke_edge(
    edge: Annotated[str, typer.Argument(help="Which edge: enterprise/site/edge.")],
    reason: Annotated[str, typer.Option(help="Why, for the trail.")],
    settings: Settings = None,
) -> None:
    """Turn an edge out at once: certificates, tokens, data, connection (administrator)."""
    try:
        from nhipmay.authority import AdministrationSettings, revoke
    except ImportError as exc:
        raise missing_extra("edge revoke", "ingest", exc) from exc

    def out(after_s: float) -> None:
        console().print(f"{edge} is thrown out after {after_s:.2f} s; watching that it stays out …")

    done = revoke(load_settings(AdministrationSettings, settings), edge, reason, on_thrown_out=out)
    console().print(
        f"{edge} is revoked ({done.certificates} certificates) and stays out; it came in again "
        f"{done.returns} times before the broker had read the list"
    )
