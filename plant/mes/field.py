"""Types of the fields of documents; their messages say what to write instead."""

import re
import unicodedata
from datetime import UTC, date, datetime, time
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

from plant.description import LONG_AGO
from plant.errors import ConfigurationError
from plant.mes.mapping.notation import ambiguous_number
from plant.place import LEVELS, Level, checked_code, item_code

MAX_TEXT = 200
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_FIRST_DAY = date(1970, 1, 1)
_LAST_DAY = date(9999, 12, 31)
_CODE = r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?"
_PATH = re.compile(rf"{_CODE}(?:/{_CODE}){{0,4}}")
_SHAPE = {
    Level.SITE: "enterprise/site",
    Level.WORK_CENTER: "enterprise/site/area/line",
    Level.WORK_UNIT: "enterprise/site/area/line/machine",
}


def _text(value: str) -> str:
    value = value.strip(" \u00a0")
    if not value.isprintable():
        raise ValueError("holds a line break or a character that cannot be printed; remove it")
    return unicodedata.normalize("NFC", value)


def _some_text(value: str) -> str:
    if not value:
        raise ValueError("holds nothing but blanks")
    return value


def _code(value: str) -> str:
    try:
        return checked_code(value)
    except ConfigurationError as exc:
        raise ValueError(str(exc)) from exc


def _item_code(value: str) -> str:
    try:
        return item_code(value)
    except ConfigurationError as exc:
        raise ValueError(str(exc)) from exc


def _path(value: str, level: Level | None = None) -> str:
    if not _PATH.fullmatch(value):
        raise ValueError(f"{value!r} is no path of a place; write codes joined by '/'")
    if level is not None and value.count("/") != LEVELS.index(level):
        raise ValueError(f"{value!r} is no {level.value}; write {_SHAPE[level]}")
    return value


def _site(value: str) -> str:
    return _path(value, Level.SITE)


def _line(value: str) -> str:
    return _path(value, Level.WORK_CENTER)


def _unit(value: str) -> str:
    return _path(value, Level.WORK_UNIT)


def _moment(value: Any) -> datetime:
    # Pydantic would take a bare number for seconds since 1970, and a spreadsheet is full of those.
    moment = value
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise ValueError(
            f"{value!r} is no moment; write date, time and offset: 2026-03-02T06:00:00+07:00"
        )
    if not _EARLIEST <= moment < _LATEST:
        raise ValueError(f"{value!r} is not between 1970 and 2200")
    return moment.astimezone(UTC)


def _day(value: Any) -> date:
    day = value
    if isinstance(value, str):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            day = None
    if not isinstance(day, date) or isinstance(day, datetime):
        raise ValueError(f"{value!r} is no date; write year-month-day: 2026-03-02")
    if not _FIRST_DAY <= day <= _LAST_DAY:
        raise ValueError(f"{value!r} is before 1970")
    return day


def _time_of_day(value: Any) -> time:
    at = value
    if isinstance(value, str):
        try:
            at = time.fromisoformat(value)
        except ValueError:
            at = None
    if not isinstance(at, time) or at.tzinfo is not None:
        raise ValueError(f"{value!r} is no local time of day; write 06:00, and 00:00 for midnight")
    return at


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("is true or false; write a number")
    if isinstance(value, str) and ("," in value or "_" in value):
        raise ValueError(f"{value!r} is no number; write a point for decimals and no separators")
    if isinstance(value, str) and ambiguous_number(value):
        raise ValueError(
            f"{value!r} is two numbers to two readers; write 1500 or 1.5, or import it with a "
            "mapping that says what begins its decimals"
        )
    return value


Text = Annotated[
    str, Field(min_length=1, max_length=MAX_TEXT), AfterValidator(_text), AfterValidator(_some_text)
]
OptionalText = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(_text)]
PlaceCode = Annotated[str, AfterValidator(_code)]
"""Of an enterprise: goes into topics and addresses."""
ItemCode = Annotated[str, AfterValidator(_item_code)]
"""Of a product, a reason or a meter: as the system that made it writes it."""
SitePath = Annotated[str, AfterValidator(_site)]
LinePath = Annotated[str, AfterValidator(_line)]
UnitPath = Annotated[str, AfterValidator(_unit)]
PlacePath = Annotated[str, AfterValidator(_path)]
Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
Day = Annotated[date, BeforeValidator(_day)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
Positive = Annotated[float, Field(gt=0, le=1e12, allow_inf_nan=False), BeforeValidator(_number)]
NotNegative = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False), BeforeValidator(_number)]
Ordinal = Annotated[int, Field(ge=1, le=10_000), BeforeValidator(_number)]

ALWAYS = LONG_AGO
"""Default beginning of a validity: as far back as there are data."""
