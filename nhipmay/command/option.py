"""Options that several commands take, and the moments and durations that a person writes."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from plant.errors import ConfigurationError

Settings = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        "-s",
        help="Settings file (YAML or TOML). Environment variables NHIPMAY_… outrank it.",
    ),
]


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
