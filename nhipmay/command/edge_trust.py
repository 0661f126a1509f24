"""The command `nhipmay edge trust`: which OPC UA servers this edge believes."""

from pathlib import Path
from typing import Annotated

import typer

from nhipmay.command.console import console
from nhipmay.command.option import Settings
from nhipmay.runtime import missing_extra
from plant.settings import load_settings


def trust(
    fingerprint: Annotated[
        str | None,
        typer.Argument(help="Beginning of the SHA-256 of a refused certificate; none lists all."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="Trust this certificate: a server's, or its authority's.")
    ] = None,
    remove: Annotated[
        str | None, typer.Option(help="Trust no longer: beginning of the SHA-256.")
    ] = None,
    settings: Settings = None,
) -> None:
    """Show and change which OPC UA servers this edge trusts, and show its own certificate."""
    try:
        from edge_agent import EdgeSettings
        from edge_agent.drivers.opcua.trust.certificates import Certificates, der_of, now_utc
    except ImportError as exc:
        raise missing_extra("edge trust", "edge", exc) from exc
    edge = load_settings(EdgeSettings, settings)
    folders = {edge.outbox.file.parent / "opcua"} | {
        source.certificates
        for source in edge.sources.values()
        if source.driver == "opcua" and source.certificates is not None
    }
    say = console().print
    for folder in sorted(folders):
        certificates = Certificates(folder)
        if file is not None:
            say(f"trusted: {certificates.trust(der_of(file))}", markup=False, soft_wrap=True)
        if fingerprint is not None and any(
            one.fingerprint.startswith(fingerprint.lower().replace(":", ""))
            for one in certificates.listed()
        ):
            found = certificates.trust_rejected(fingerprint)
            say(f"trusted: {found.subject} {found.fingerprint}", markup=False, soft_wrap=True)
        if remove is not None:
            found = certificates.distrust(remove)
            say(f"no longer trusted: {found.subject}", markup=False, soft_wrap=True)
        own = certificates.own(now_utc())
        say(f"{folder}", markup=False, soft_wrap=True)
        say(
            f"  this edge: {own.certificate} SHA-256 {own.fingerprint}",
            markup=False,
            soft_wrap=True,
        )
        for one in certificates.listed():
            word = "trusted" if one.trusted else "REFUSED"
            say(
                f"  {word}: {one.subject} until {one.until:%Y-%m-%d} SHA-256 {one.fingerprint}",
                markup=False,
                soft_wrap=True,
            )
