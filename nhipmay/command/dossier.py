"""The command `nhipmay dossier`: level 2 of information security, from the running settings."""

from pathlib import Path
from typing import Annotated

import typer

from nhipmay import __version__
from nhipmay.command.console import console
from nhipmay.command.option import Settings
from nhipmay.runtime import missing_extra
from plant.clock import system_clock
from plant.settings import load_settings


def dossier(
    file: Annotated[Path, typer.Argument(help="DOCX to write.")],
    settings: Settings = None,
) -> None:
    """Write the list of controls with where each is met, for the department to complete."""
    try:
        from api import ApiSettings
        from assessment.document import report_docx
        from assessment.dossier import Running, controls
        from assessment.dossier import dossier as written
        from assessment.report import letter_settings
    except ImportError as exc:
        raise missing_extra("dossier", "api", exc) from exc
    said = load_settings(ApiSettings, settings)
    accounts = said.accounts
    running = Running(
        version=__version__,
        accounts=accounts is not None,
        tls=said.tls is not None,
        database_tls=said.database.tls is not None,
        separate_writer=said.writer is not None and said.writer.user != said.database.user,
        single_sign_on=accounts is not None and accounts.single_sign_on is not None,
        enrolment=said.enrolment is not None,
        visitors=accounts is not None and bool(accounts.visitors),
        token_for_all=said.token is not None or said.token_file is not None,
        host=said.host,
    )
    letter = letter_settings(said.letter_file)
    file.write_bytes(report_docx(written(running, letter, system_clock().date())))
    for one in controls(running):
        console().print(f"{one.state.value}: {one.group} {one.measure_vi}", markup=False)
