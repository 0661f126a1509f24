"""The command `nhipmay`, put together."""

from typing import Annotated

import typer

from nhipmay import __version__
from nhipmay.command import (
    analytics,
    api,
    authority,
    backup,
    demo,
    doctor,
    documents,
    dossier,
    edge,
    evaluation,
    evidence,
    grafana,
    ingest,
    migrate,
    pull,
    simulation,
)
from nhipmay.command.access import account, audit
from nhipmay.command.console import console
from nhipmay.runtime import plain_errors

app = typer.Typer(
    help="Nhịp Máy: from the machine to figures one can trust.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
)
app.command()(demo.demo)
app.command()(analytics.analytics)
app.command()(analytics.recompute)
app.command()(api.api)
app.command()(migrate.migrate)
app.command()(backup.backup)
app.command()(backup.restore)
app.command("import")(documents.import_documents)
app.command()(pull.pull)
app.command()(dossier.dossier)
app.command()(simulation.simulate)
app.command()(simulation.replay)
app.command()(doctor.doctor)
app.add_typer(account.app, name="account")
app.add_typer(audit.app, name="audit")
app.add_typer(edge.app, name="edge")
app.add_typer(authority.app, name="authority")
app.add_typer(ingest.app, name="ingest")
app.add_typer(evaluation.app, name="evaluate")
app.add_typer(evidence.app, name="evidence")
app.add_typer(grafana.app, name="grafana")


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
