"""The command `nhipmay edge unit`: the unit by which systemd keeps an edge running."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from nhipmay.command.console import console
from plant.errors import ConfigurationError

_UNIT = """\
# Written by `nhipmay edge unit`. Its log is in the journal, which rotates by itself:
#   journalctl --unit {name} --follow
[Unit]
Description=Nhip May edge agent ({settings})
Wants=network-online.target
After=network-online.target time-sync.target
StartLimitIntervalSec=0

[Service]
ExecStart={program} edge --settings {settings}
User={user}
WorkingDirectory={writable}
Restart=always
RestartSec=5
# It ends by itself within this time: what is in its outbox stays there.
TimeoutStopSec=30
LimitNOFILE=65536
NoNewPrivileges=true
PrivateTmp=true
ProtectHome=true
ProtectSystem=strict
ReadWritePaths={writable}
RestrictSUIDSGID=true

[Install]
WantedBy=multi-user.target
"""


def write_unit(
    settings: Annotated[
        Path, typer.Option("--settings", "-s", help="Settings file of the edge.")
    ] = Path("/etc/nhipmay/edge.yaml"),
    user: Annotated[str, typer.Option(help="Whom the service runs as.")] = "nhipmay",
    program: Annotated[
        Path | None, typer.Option(help="The program; by default the one that is running.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the unit.")] = "nhipmay-edge",
    writable: Annotated[
        str, typer.Option(help="Folder it writes to, with its outbox.")
    ] = "/var/lib/nhipmay",
    out: Annotated[Path | None, typer.Option(help="Where to write it; else it is shown.")] = None,
) -> None:
    """Write the systemd unit of an edge. / Viết tệp dịch vụ systemd cho edge."""
    # As it was called, not where links lead: an upgrade turns the link, and the unit stays.
    found = program or Path.cwd() / sys.argv[0]
    values = {
        "name": name,
        "settings": str(settings),
        "user": user,
        "program": str(found),
        "writable": writable,
    }
    for key, value in values.items():
        if not value or any(char in value for char in '\n\r\0%"\\'):
            raise ConfigurationError(f"{key} {value!r} cannot stand in a unit")
    text = _UNIT.format(**values)
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise ConfigurationError(f"{out} cannot be written: {exc.strerror}") from exc
    console().print(f"{out}: systemctl enable --now {out.stem}")
