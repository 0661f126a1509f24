"""The calendar of a site: zone, shifts with breaks, rotations, days off."""

import re
from collections.abc import Iterator
from datetime import date, time
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from plant.calendar import Break, DayOff, Rotation, ShiftPattern
from plant.description import WEEKDAYS, Weekday
from plant.mes.document import MesDocument, Reference, check_order, place
from plant.mes.field import Day, SitePath, Text, TimeOfDay

_BREAK = re.compile(r"(.+?)\s+(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})")


def _words(value: Any) -> Any:
    """Return the parts of `a, b` as a list; anything else is left for the type to judge."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _pauses(value: Any) -> Any:
    """Return `Lunch 11:30-12:00; Tea 15:00-15:10` as a list of breaks."""
    if not isinstance(value, str):
        return value
    found = []
    for part in filter(None, (part.strip() for part in value.split(";"))):
        match = _BREAK.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is no break; write: Lunch 11:30-12:00; Tea 15:00-15:10")
        found.append({"name": match[1], "start": match[2].zfill(5), "end": match[3].zfill(5)})
    return found


def _cycle(value: Any) -> Any:
    """Return `Ca 1, Ca 2 | Ca 1 | off` as a list of days, each a list of shift names."""
    if not isinstance(value, str):
        return value
    days = [part.strip() for part in value.split("|")]
    return [[] if day.lower() == "off" else _words(day) for day in days]


class _OfSite(MesDocument):
    site: SitePath = Field(description="Path of the site.")

    def references(self) -> Iterator[Reference]:
        """Yield the site."""
        yield place(self.site, "site")


class TimeZone(_OfSite):
    """The time zone in which a site's calendar is written."""

    KIND: ClassVar[str] = "time-zones"
    KEY: ClassVar[tuple[str, ...]] = ("site",)
    WITHDRAWABLE: ClassVar[bool] = False

    time_zone: Text = Field(description="IANA name, such as Asia/Ho_Chi_Minh.")

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
            raise ValueError(f"{value!r} is no IANA time zone such as Asia/Ho_Chi_Minh") from exc
        return value


class ShiftBreak(BaseModel):
    """A planned break in local time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Text = Field(description="Name of the break.")
    start: TimeOfDay = Field(description="Local time at which it begins.")
    end: TimeOfDay = Field(description="Local time at which it ends.")


class Shift(_OfSite):
    """A shift that recurs; of several versions of one name the one that began last holds."""

    KIND: ClassVar[str] = "shifts"
    KEY: ClassVar[tuple[str, ...]] = ("site", "name", "valid_from")

    name: Text = Field(description="Name of the shift.")
    start: TimeOfDay = Field(description="Local time at which it begins.")
    end: TimeOfDay = Field(description="Local time; not after the start means the next day.")
    weekdays: Annotated[tuple[Weekday, ...], BeforeValidator(_words), Field(min_length=1)] = Field(
        WEEKDAYS, description="Days on which it begins: mon, tue, wed, thu, fri, sat, sun."
    )
    breaks: Annotated[tuple[ShiftBreak, ...], BeforeValidator(_pauses)] = Field(
        (), description="Planned breaks; in a cell: `Lunch 11:30-12:00; Tea 15:00-15:10`."
    )
    valid_from: Day = Field(date(2000, 1, 1), description="First day of this version.")
    valid_to: Day = Field(date(9999, 12, 31), description="First day on which it no longer begins.")

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        check_order(self.valid_from, self.valid_to, "valid_from, valid_to")
        if len(set(self.weekdays)) != len(self.weekdays):
            raise ValueError("weekdays: a day is named twice")
        length = _minutes(self.start, self.end) or 24 * 60.0
        taken: list[tuple[float, float, str]] = []
        for pause in self.breaks:
            begin = _minutes(self.start, pause.start)
            over = begin + _minutes(pause.start, pause.end)
            if pause.start == pause.end or over > length:
                raise ValueError(f"breaks: '{pause.name}' is not within the shift")
            taken.append((begin, over, pause.name))
        taken.sort()
        for (_, end, one), (start, _, other) in pairwise(taken):
            if start < end:
                raise ValueError(f"breaks: '{one}' and '{other}' overlap")
        if len({pause.name for pause in self.breaks}) != len(self.breaks):
            raise ValueError("breaks: a name is used twice")
        return self

    def canonical(self) -> dict[str, Any]:
        """Return the fields as JSON has them; weekdays and breaks have no order of their own."""
        fields = super().canonical()
        fields["weekdays"].sort(key=WEEKDAYS.index)
        fields["breaks"].sort(key=lambda pause: pause["name"])
        return fields

    def pattern(self) -> ShiftPattern:
        """Return the shift as the calendar computes with it."""
        return ShiftPattern(
            name=self.name,
            start=self.start,
            end=self.end,
            weekdays=frozenset(WEEKDAYS.index(day) for day in self.weekdays),
            breaks=tuple(Break(pause.name, pause.start, pause.end) for pause in self.breaks),
            valid_from=self.valid_from,
            valid_to=self.valid_to,
        )


class ShiftRotation(_OfSite):
    """Days that follow one another in a cycle, each with the shifts that run on it.

    Shifts that the cycle names anywhere follow it instead of their weekdays.
    """

    KIND: ClassVar[str] = "rotations"
    KEY: ClassVar[tuple[str, ...]] = ("site", "name", "valid_from")

    name: Text = Field(description="Name of the rotation.")
    valid_from: Day = Field(description="The first day of the cycle, and of its validity.")
    valid_to: Day = Field(date(9999, 12, 31), description="First day on which it no longer holds.")
    cycle: Annotated[
        tuple[tuple[Text, ...], ...],
        BeforeValidator(_cycle),
        Field(min_length=1, max_length=366),
    ] = Field(description="Shifts of each day; in a cell: `Ca 1, Ca 2 | Ca 1 | off`.")

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        check_order(self.valid_from, self.valid_to, "valid_from, valid_to")
        if not any(self.cycle):
            raise ValueError("cycle: no day names a shift")
        return self

    def canonical(self) -> dict[str, Any]:
        """Return the fields as JSON has them; the shifts of a day have no order of their own."""
        fields = super().canonical()
        fields["cycle"] = [sorted(set(day)) for day in fields["cycle"]]
        return fields

    def rotation(self) -> Rotation:
        """Return the rotation as the calendar computes with it."""
        return Rotation(
            self.name,
            self.valid_from,
            self.valid_to,
            tuple(frozenset(day) for day in self.cycle),
        )


class Holiday(_OfSite):
    """A day on which shifts do not begin as usual: a holiday, or a working day made up for one."""

    KIND: ClassVar[str] = "holidays"
    KEY: ClassVar[tuple[str, ...]] = ("site", "day")

    day: Day = Field(description="The local date.")
    name_vi: Text = Field(description="Name in Vietnamese.")
    name_en: Annotated[str, Field(max_length=200)] = Field("", description="Name in English.")
    works_as: Weekday | None = Field(
        None, description="Weekday whose shifts run (ngày làm bù); none run, if left out."
    )
    keeps: Annotated[tuple[Text, ...], BeforeValidator(_words)] = Field(
        (), description="Shifts that run all the same; in a cell: `Ca 1, Ca 2`."
    )

    def canonical(self) -> dict[str, Any]:
        """Return the fields as JSON has them; the shifts kept have no order of their own."""
        fields = super().canonical()
        fields["keeps"] = sorted(set(fields["keeps"]))
        return fields

    def day_off(self) -> DayOff:
        """Return the day as the calendar computes with it."""
        works_as = None if self.works_as is None else WEEKDAYS.index(self.works_as)
        return DayOff(self.day, works_as, frozenset(self.keeps))


def _minutes(start: time, end: time) -> float:
    """Return the minutes from one local time to the next time it is another."""
    seconds = [
        at.hour * 3600 + at.minute * 60 + at.second + at.microsecond / 1e6 for at in (start, end)
    ]
    return ((seconds[1] - seconds[0]) % 86_400) / 60
