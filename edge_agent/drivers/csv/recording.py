"""Reading recorded files: rows to readings, with nothing invented and nothing left out."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple, TextIO
from zoneinfo import ZoneInfo

from edge_agent.drivers.contract import Reading
from edge_agent.drivers.csv.settings import CsvTagSettings, RecordingSettings
from edge_agent.drivers.moment import moment_us
from edge_agent.drivers.stated_quality import quality_said
from edge_agent.drivers.written import number_written
from plant.errors import ConfigurationError
from plant.measurement import Quality, ValueType

TITLES_WITHIN: Final = 50
"""Lines among which the line of titles is looked for."""


class Unreadable(NamedTuple):
    """A row that is no measurement."""

    row: int
    """Its number; the first row below the titles is 1."""
    reason: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some consecutive rows of a file."""

    readings: list[Reading]
    row: int
    """Number of the last row of the chunk; the first row below the titles is 1."""
    refused: list[Unreadable]
    """Rows whose time could not be read, or which end too early."""
    latest_us: int | None
    """Newest source time in it."""

    @property
    def unreadable(self) -> list[int]:
        """Numbers of the rows that were refused."""
        return [one.row for one in self.refused]


class _Columns(NamedTuple):
    """Where things are in a row."""

    time: int
    clock: int | None
    quality: int | None
    variable: int | None
    value: int | None
    tags: tuple[int, ...]

    @property
    def last(self) -> int:
        return max(place for place in (*self[:5], *self.tags) if place is not None)


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
        self._row = 0
        self._by_variable: Mapping[str, list[CsvTagSettings]] = _by_variable(settings)
        self.unknown: Counter[str] = Counter()
        """Variables of a long file that no tag wants, with their rows."""
        try:
            self._columns = self._find_columns()
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
        refused: list[Unreadable] = []
        latest: int | None = None
        taken = 0
        for cells in self._next(rows):
            taken += 1
            self._row += 1
            if not any(cell.strip() for cell in cells):
                continue
            try:
                time_us, found = self._read(cells)
            except ValueError as exc:
                refused.append(Unreadable(self._row, str(exc)))
                continue
            latest = time_us if latest is None else max(latest, time_us)
            readings.extend(found)
        return Chunk(readings, self._row, refused, latest) if taken else None

    def _next(self, rows: int) -> Iterator[list[str]]:
        try:
            yield from islice(self._rows, rows)
        except UnicodeError as exc:
            raise self._wrong_encoding() from exc
        except csv.Error as exc:
            raise ConfigurationError(f"{self._file}, row {self._row + 1}: {exc}") from exc

    def _find_columns(self) -> _Columns:
        """Pass over what comes before the titles, and find the columns by them."""
        settings = self._settings
        others = (settings.clock_column, settings.quality_column, settings.variable_column,
                  settings.value_column)  # fmt: skip
        tags = [] if settings.variable_column else [tag.wanted for tag in settings.tags]
        wanted = [settings.time_column, *(one for one in others if one), *tags]
        separator = settings.separator
        seen: list[str] = []
        lines = TITLES_WITHIN if settings.skip_lines is None else settings.skip_lines + 1
        for number in range(lines):
            try:
                line = self._stream.readline()
            except UnicodeError as exc:
                raise self._wrong_encoding() from exc
            if number == 0 and line.lower().startswith("sep=") and len(line.strip()) == 5:
                separator = line.strip()[4]
                if settings.skip_lines == 0:
                    line = self._stream.readline()
                else:
                    continue
            try:
                titles = _titles(next(csv.reader([line], delimiter=separator), []))
            except csv.Error as exc:
                raise ConfigurationError(f"{self._file}, line {number + 1}: {exc}") from exc
            seen = seen or titles
            if settings.skip_lines is not None and number < settings.skip_lines:
                continue
            if all(title in titles for title in wanted) or not line:
                seen = titles or seen
                break
        absent = [title for title in wanted if title not in seen]
        if absent:
            raise ConfigurationError(
                f"{self._file} has no column {', '.join(map(repr, absent))}; "
                f"its columns are {', '.join(map(repr, seen))}: check names, separator and"
                " skip_lines"
            )
        self._rows = csv.reader(self._stream, delimiter=separator)
        time, *rest = (seen.index(settings.time_column), *(
            seen.index(title) if title else None for title in others
        ))  # fmt: skip
        clock, quality, variable, value = rest
        return _Columns(time, clock, quality, variable, value, tuple(map(seen.index, tags)))

    def _wrong_encoding(self) -> ConfigurationError:
        return ConfigurationError(
            f"{self._file} is not {self._settings.encoding} text; set encoding"
        )

    def _read(self, cells: Sequence[str]) -> tuple[int, list[Reading]]:
        """Return a row's time and readings; raise ValueError with the reason when it has none."""
        columns = self._columns
        if len(cells) <= columns.last:
            raise ValueError(f"it ends after {len(cells)} of {columns.last + 1} cells")
        written = cells[columns.time].strip()
        if columns.clock is not None:
            written = f"{written} {cells[columns.clock].strip()}"
        try:
            time_us = moment_us(written, self._settings.time_format, self._zone)
        except ValueError as exc:
            raise ValueError(f"{written[:40]!r} is no time as time_format says") from exc
        quality = Quality.GOOD
        if columns.quality is not None:
            said = cells[columns.quality].strip()
            quality = Quality.GOOD if said == "1" else quality_said(said, "opc_da")
        return time_us, [
            Reading(tag.name, value, time_us, Quality.BAD if value is None else quality)
            for tag, text in self._texts(cells)
            for value in [self._value(tag, text)]
        ]

    def _texts(self, cells: Sequence[str]) -> Iterator[tuple[CsvTagSettings, str]]:
        columns = self._columns
        if columns.variable is not None and columns.value is not None:
            name = cells[columns.variable].strip()
            tags = self._by_variable.get(name, [])
            if not tags:
                self.unknown[name] += 1
            pairs = [(tag, cells[columns.value].strip()) for tag in tags]
        else:
            places = zip(self._settings.tags, columns.tags, strict=True)
            pairs = [(tag, cells[column].strip()) for tag, column in places]
        yield from ((tag, text) for tag, text in pairs if text)

    def _value(self, tag: CsvTagSettings, text: str) -> float | int | str | None:
        """Text that is no number stays text, for the platform to reject with its raw form."""
        if tag.kind is ValueType.TEXT and not tag.states:
            return text
        decimal = "comma" if self._settings.decimal_comma else tag.decimal
        return number_written(text, tag.words, decimal)


def _titles(cells: Sequence[str]) -> list[str]:
    """Return titles as settings name them: of several `Flow` the second is `Flow#2`."""
    plain = [cell.strip() for cell in cells]
    repeated = Counter(plain)
    seen: Counter[str] = Counter()
    titles = []
    for title in plain:
        seen[title] += 1
        titles.append(title if repeated[title] == 1 else f"{title}#{seen[title]}")
    return titles


def _by_variable(settings: RecordingSettings) -> dict[str, list[CsvTagSettings]]:
    found: dict[str, list[CsvTagSettings]] = {}
    for tag in settings.tags:
        if tag.variable is not None:
            found.setdefault(tag.variable, []).append(tag)
    return found
