"""The command `nhipmay`."""

import re
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import yaml

from nhipmay import __version__
from nhipmay.edge_service import run_edge
from nhipmay.runtime import missing_extra, plain_errors, run_service
from plant.errors import ConfigurationError
from plant.settings import load_settings

app = typer.Typer(
    help="Nhịp Máy: from the machine to figures one can trust.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
)

if TYPE_CHECKING:
    from rich.console import Console

Settings = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        "-s",
        help="Settings file (YAML or TOML). Environment variables NHIPMAY_… outrank it.",
    ),
]


@cache
def console() -> "Console":
    """Return where results are printed; imported on use, as an edge has no memory to spare."""
    from rich.console import Console

    return Console()


@app.command()
def demo(
    check: Annotated[
        bool,
        typer.Option("--check", help="Run unattended, compare with ground truth, exit 1 if wrong."),
    ] = False,
    duration: Annotated[
        str, typer.Option("--for", help="How long --check runs, such as 120s or 5m.")
    ] = "120s",
    data: Annotated[
        Path | None, typer.Option(help="Folder for everything the demo writes; emptied first.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port of the live page; else the first free from 8000 on.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another number makes another history.")] = 2026,
    speed: Annotated[
        float, typer.Option(min=1, max=1000, help="Plant seconds per second.")
    ] = 240.0,
    disorder: Annotated[
        bool, typer.Option(help="Let machines and lines lie as real ones do.")
    ] = True,
    python_broker: Annotated[
        bool, typer.Option("--python-broker", help="Do without mosquitto even if it is there.")
    ] = False,
) -> None:
    """Run everything on this machine with two simulated pilot plants, and show the live page."""
    try:
        from nhipmay.demo import DemoOptions, run_check, run_demo
        from nhipmay.demo.folder import default_folder
    except ImportError as exc:
        raise missing_extra("demo", "demo", exc) from exc
    options = DemoOptions(
        data=(data or default_folder()).absolute(),
        port=port,
        seed=seed,
        speed=speed,
        disorder=disorder,
        python_broker=python_broker,
    )
    if not check:
        run_demo(options, console())
    elif not run_check(options, parse_duration(duration), console()):
        raise typer.Exit(1)


edge_commands = typer.Typer(invoke_without_command=True)
app.add_typer(edge_commands, name="edge")


@edge_commands.callback()
def edge(context: typer.Context, settings: Settings = None) -> None:
    """Run an edge agent: read machines, keep every value safe, send it to the platform."""
    if context.invoked_subcommand is not None:
        return
    run_edge(settings)


@edge_commands.command("push-config")
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


@edge_commands.command("enrol")
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


@edge_commands.command("invite")
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


@edge_commands.command("revoke")
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


authority_commands = typer.Typer(no_args_is_help=True, help="Keep the certificate authorities.")
app.add_typer(authority_commands, name="authority")


@authority_commands.command("create")
def create_authority(
    folder: Annotated[Path, typer.Argument(help="Folder of secrets; what is there stays.")],
    address: Annotated[
        list[str] | None,
        typer.Option(help="More names of a server, such as broker=mqtt.example; may be repeated."),
    ] = None,
) -> None:
    """Make the two authorities and the services' certificates, or those that are due again."""
    try:
        from nhipmay.authority import create_authority as create
    except ImportError as exc:
        raise missing_extra("authority create", "ingest", exc) from exc
    for file in create(folder, address or []):
        typer.echo(f"made {file}")


@authority_commands.command("revocation-list")
def write_revocation_list(settings: Settings = None) -> None:
    """Write the list that the broker reads again, from the database."""
    try:
        from nhipmay.authority import AdministrationSettings, write_list
    except ImportError as exc:
        raise missing_extra("authority revocation-list", "ingest", exc) from exc
    count = write_list(load_settings(AdministrationSettings, settings))
    console().print(f"{count} certificates are revoked")


ingest_commands = typer.Typer(invoke_without_command=True)
app.add_typer(ingest_commands, name="ingest")


@ingest_commands.callback()
def ingest(context: typer.Context, settings: Settings = None) -> None:
    """Take measurements from the broker into the database, each exactly once."""
    if context.invoked_subcommand is not None:
        return
    try:
        from ingest import IngestSettings, run
    except ImportError as exc:
        raise missing_extra("ingest", "ingest", exc) from exc
    run_service(load_settings(IngestSettings, settings), run)


@ingest_commands.command("replay-rejected")
def replay_rejected(
    reason: Annotated[str, typer.Option(help="Reason of the rejections, such as unknown_tag.")],
    settings: Settings = None,
) -> None:
    """Write what was rejected for a reason, once its cause is mended; each exactly once."""
    try:
        from ingest import IngestSettings
        from ingest import replay_rejected as replay_rejections
    except ImportError as exc:
        raise missing_extra("ingest replay-rejected", "ingest", exc) from exc
    done = replay_rejections(load_settings(IngestSettings, settings), reason)
    console().print(
        f"{done.examined} rejections examined, {done.settled} settled, "
        f"{done.written} measurements written"
    )


@app.command()
def analytics(settings: Settings = None) -> None:
    """Turn measurements into states, counts and OEE as they arrive."""
    try:
        from analytics import AnalyticsSettings, run
    except ImportError as exc:
        raise missing_extra("analytics", "analytics", exc) from exc
    run_service(load_settings(AnalyticsSettings, settings), run)


@app.command()
def recompute(
    place: Annotated[
        str | None, typer.Option(help="Path of a place; everywhere, if left out.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Moment with offset: 2026-03-02T06:00:00+07:00.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="Moment with offset; as far as figures reach.")
    ] = None,
    settings: Settings = None,
) -> None:
    """Compute figures again from the measurements; exit code 1 when any row differs."""
    try:
        from analytics import AnalyticsSettings, recompute_from_raw
    except ImportError as exc:
        raise missing_extra("recompute", "analytics", exc) from exc
    report = recompute_from_raw(
        load_settings(AnalyticsSettings, settings), place, parse_moment(start), parse_moment(end)
    )
    console().print(f"{report.unit_hours} hours of machines computed again")
    for table, found in report.tables.items():
        console().print(f"{table}: {found.rows} rows before, {found.differing} differ")
    console().print("identical" if report.identical else "[bold red]not identical[/]")
    if not report.identical:
        raise typer.Exit(1)


@app.command()
def api(settings: Settings = None) -> None:
    """Serve the figures: HTTP API and live page."""
    try:
        from api import ApiSettings, run
    except ImportError as exc:
        raise missing_extra("api", "api", exc) from exc
    run_service(load_settings(ApiSettings, settings), run)


@app.command()
def migrate(
    settings: Settings = None,
    plant: Annotated[
        list[Path] | None,
        typer.Option("--plant", help="Plant description to load afterwards; may be repeated."),
    ] = None,
) -> None:
    """Bring the database to the present schema, and load plant descriptions."""
    try:
        from nhipmay.administration import MigrateSettings
        from nhipmay.administration import migrate as migrate_database
    except ImportError as exc:
        raise missing_extra("migrate", "ingest", exc) from exc
    for line in migrate_database(load_settings(MigrateSettings, settings), plant or []):
        console().print(line)


@app.command(name="import")
def import_documents(
    file: Annotated[
        Path | None, typer.Argument(help="CSV, XLSX, JSON or B2MML file to import.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="What the file holds, such as products or orders.")
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Say what would happen, and write nothing.")
    ] = False,
    site: Annotated[
        str | None, typer.Option(help="Site (enterprise/site) where the file names none.")
    ] = None,
    enterprise: Annotated[
        str | None, typer.Option(help="Enterprise where the file names none.")
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="Zone of times written without an offset.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook; else its first.")] = None,
    who: Annotated[str, typer.Option(help="Who imports, for the trail.")] = "",
    reason: Annotated[str, typer.Option(help="Why, for the trail of corrections.")] = "",
    reasons: Annotated[
        str | None,
        typer.Option(help="Instead of a file: the reasons of a sector, mechanical or food."),
    ] = None,
    sql: Annotated[
        Path | None, typer.Option(help="Instead of a file: settings of a foreign table.")
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="With --sql: read it again and again.")
    ] = False,
    template: Annotated[
        bool, typer.Option("--template", help="Print the header of a table of this kind.")
    ] = False,
    settings: Settings = None,
) -> None:
    """Import master data and MES facts: everything in the file, or nothing and a report."""
    try:
        from nhipmay.importing import ImportOptions, run_import
    except ImportError as exc:
        raise missing_extra("import", "ingest", exc) from exc
    options = ImportOptions(
        file=file,
        kind=kind,
        preview=preview,
        site=site,
        enterprise=enterprise,
        time_zone=time_zone,
        sheet=sheet,
        who=who,
        reason=reason,
        reasons=reasons,
        sql=sql,
        watch=watch,
        template=template,
        settings=settings,
    )
    if not run_import(options, console()):
        raise typer.Exit(1)


@app.command()
def simulate(settings: Settings = None) -> None:
    """Run a simulated pilot plant behind a real OPC UA or Modbus TCP server."""
    try:
        from simulators import SimulatorSettings, run
    except ImportError as exc:
        raise missing_extra("simulate", "simulate", exc) from exc
    run_service(load_settings(SimulatorSettings, settings), run)


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="Recorded CSV file.")],
    map_file: Annotated[
        Path, typer.Option("--map", help="Which column is which tag of which machine.")
    ],
    outbox: Annotated[
        Path | None, typer.Option(help="Outbox file of the replaying edge; temporary by default.")
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            "-s",
            help="Settings file with the platform's database: load the map's plant there first.",
        ),
    ] = None,
) -> None:
    """Play a recorded CSV file through a real edge agent; ends when all of it is committed."""
    try:
        from nhipmay.administration import MigrateSettings
        from nhipmay.administration import replay as replay_file
    except ImportError as exc:
        raise missing_extra("replay", "demo", exc) from exc
    platform = load_settings(MigrateSettings, settings) if settings else None
    console().print(replay_file(file, map_file, outbox, platform))


@app.command()
def doctor(
    settings: Annotated[
        list[Path] | None,
        typer.Option("--settings", "-s", help="Settings file to examine; may be repeated."),
    ] = None,
) -> None:
    """Say in plain words what is wrong with this installation or with a settings file."""
    from nhipmay.doctor import examine

    healthy = True
    for finding in examine(settings or []):
        mark = "[green]ok[/]     " if finding.ok else "[bold red]problem[/]"
        console().print(mark, f" {finding.subject}: ", end="")
        console().print(finding.words, markup=False, highlight=False)
        healthy = healthy and finding.ok
    if not healthy:
        raise typer.Exit(1)


def parse_duration(text: str) -> timedelta:
    """Return the duration that a text such as 120s, 5m or 1h stands for."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh])", text.strip())
    if match is None or float(match[1]) == 0:
        raise ConfigurationError(f"'{text}' is no duration; write for example 120s, 5m or 1h")
    return timedelta(seconds=float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]])


def parse_moment(text: str | None) -> datetime | None:
    """Return the moment that a text with an offset names, None for none."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ConfigurationError(
            f"'{text}' is no moment; write date, time and offset: 2026-03-02T06:00:00+07:00"
        )
    return moment


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    if version:
        console().print(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line."""
    with plain_errors():
        app()
