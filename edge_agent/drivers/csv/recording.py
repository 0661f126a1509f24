"""Reading recorded files: rows to readings, with nothing invented and nothing left out."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

from edge_agent.drivers.contract import Reading
from edge_agent.drivers.csv.settings import CsvTagSettings, RecordingSettings
from plant.clock import microseconds
from plant.errors import ConfigurationError
from plant.measurement import Quality, ValueType


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some consecutive rows of a file."""

    readings: list[Reading]
    row: int
    """Number of the last row of the chunk; the first row below the titles is 1."""
    unreadable: list[int]
    """Numbers of rows whose time could not be read or which end too early."""
    latest_us: int | None
    """Newest source time in it."""


class Recording:
    """An open recorded file."""

    def __init__(self, file: Path, settings: RecordingSettings) -> None:
        """Open the file; raise ConfigurationError when it is not as the settings say."""
        self._settings = settings
        self._zone = ZoneInfo(settings.time_zone)
        try:
            self._stream: TextIO = file.open(encoding=settings.encoding, newline="")
        except OSError as exc:
            raise ConfigurationError(f"{file} cannot be read: {exc.strerror}") from exc
        self._file = file
        self._rows = csv.reader(self._stream, delimiter=settings.separator)
        self._row = 0
        try:
            self._time, self._columns = self._find_columns()
        except ConfigurationError:
            self._stream.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def skip(self, rows: int) -> None:
        """Pass over rows that were taken before."""
        for _ in islice(self._rows, rows):
            self._row += 1

    def chunk(self, rows: int) -> Chunk | None:
        """Return the next rows, at most so many; None at the end of the file."""
        readings: list[Reading] = []
        unreadable: list[int] = []
        latest: int | None = None
        taken = 0
        for cells in self._next(rows):
            taken += 1
            self._row += 1
            if not cells:
                continue
            time_us = self._time_us(cells)
            if time_us is None or len(cells) <= max(self._columns):
                unreadable.append(self._row)
                continue
            latest = time_us if latest is None else max(latest, time_us)
            readings.extend(self._readings(cells, time_us))
        return Chunk(readings, self._row, unreadable, latest) if taken else None

    def _next(self, rows: int) -> Iterator[list[str]]:
        try:
            yield from islice(self._rows, rows)
        except UnicodeDecodeError as exc:
            raise ConfigurationError(
                f"{self._file} is not {self._settings.encoding} text; set encoding"
            ) from exc
        except csv.Error as exc:
            raise ConfigurationError(f"{self._file}, row {self._row + 1}: {exc}") from exc

    def _find_columns(self) -> tuple[int, list[int]]:
        titles = next(self._next(1), [])
        wanted = [self._settings.time_column, *(tag.column for tag in self._settings.tags)]
        absent = [title for title in wanted if title not in titles]
        if absent:
            raise ConfigurationError(
                f"{self._file} has no column {', '.join(map(repr, absent))}; "
                f"its columns are {', '.join(map(repr, titles))}: check names and separator"
            )
        first, *others = (titles.index(title) for title in wanted)
        return first, others

    def _time_us(self, cells: Sequence[str]) -> int | None:
        layout = self._settings.time_format
        try:
            text = cells[self._time].strip()
            # The zone is added below.
            moment = datetime.strptime(text, layout) if layout else datetime.fromisoformat(text)  # noqa: DTZ007
        except (ValueError, IndexError):
            return None
        return microseconds(moment if moment.tzinfo else moment.replace(tzinfo=self._zone))

    def _readings(self, cells: Sequence[str], time_us: int) -> Iterator[Reading]:
        for tag, column in zip(self._settings.tags, self._columns, strict=True):
            text = cells[column].strip()
            if text:
                yield Reading(tag.name, self._value(tag, text), time_us, Quality.GOOD)

    def _value(self, tag: CsvTagSettings, text: str) -> float | int | str:
        """Text that is no number stays text, for the platform to reject with its raw form."""
        if tag.kind is ValueType.TEXT and not tag.states:
            return text
        number = text.replace(",", ".") if self._settings.decimal_comma else text
        for kind in (int, float):
            try:
                return kind(number)
            except ValueError:
                continue
        return text
