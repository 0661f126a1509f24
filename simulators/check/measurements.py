"""Every measurement that was given out is in the database exactly once, and nothing else is."""

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from plant.measurement import Quality, Value
from simulators.check.client import ApiClient, instant, time_us
from simulators.check.report import Row, exact, told
from simulators.truth.reading import Reading, TrueTag, TruthReader

_QUALITIES = {quality.name.lower(): quality.value for quality in Quality}
_SUPPRESSED_WITHIN_US = 60_000_000
"""With a deadband, the value that a suppressed one equals was stored at most this long before."""
_EXAMPLES = 3

Stored = list[tuple[int, str, int]]
"""Source time, value as text, quality."""


@dataclass(slots=True)
class _Findings:
    """What is wrong with the measurements of a site, with some examples of each."""

    stored: int = 0
    matched: int = 0
    expected: int = 0
    unproven: int = 0
    marks: int = 0
    wrong: dict[str, list[str]] = field(default_factory=dict)

    def note(self, kind: str, tag: TrueTag, source_us: int, detail: str = "") -> None:
        """Note one thing that is wrong."""
        self.wrong.setdefault(kind, []).append(f"{tag.path} {instant(source_us)} {detail}".strip())


KINDS = {
    "missing": "measurements that are missing",
    "twice": "measurements stored twice",
    "foreign": "measurements that were never given out",
    "different": "measurements with another value or quality",
    "unknown_tag": "tags that no machine has",
}


def measurement_rows(
    truth: TruthReader, stored: Mapping[str, Stored], start_us: int, end_us: int
) -> list[Row]:
    """Return the comparisons of one site's measurements.

    Without a deadband, all that was issued (OPC UA) or read (Modbus) must be stored. With one,
    a reading may be left out that differs by no more than the deadband from one stored shortly
    before. What a Modbus reader may never have got (its connection ended at that moment) may be
    stored or not. The edge's own marks of a source that it could not read, bad and without a
    value, belong to no reading and are only counted.
    """
    findings = _Findings()
    known = {tag.path for tag in truth.tags}
    for path in sorted(set(stored) - known):
        findings.wrong.setdefault("unknown_tag", []).append(path)
    for tag in truth.tags:
        _compare_tag(truth, tag, sorted(stored.get(tag.path, [])), (start_us, end_us), findings)
    place = truth.site_path
    rows = [exact("measurements", place, None, findings.expected, findings.matched)]
    for kind, meaning in KINDS.items():
        examples = findings.wrong.get(kind, [])
        rows.append(
            Row(
                meaning,
                place,
                None,
                0,
                len(examples),
                None,
                not examples,
                "; ".join(examples[:_EXAMPLES]),
            )
        )
    rows.append(told("measurements in the database", place, findings.stored, "all rows"))
    if findings.marks:
        note = "bad, without a value: the edge could not read the source"
        rows.append(told("marks by the edge", place, findings.marks, note))
    if findings.unproven:
        note = "read just before a connection ended: they may never have arrived"
        rows.append(told("Modbus reads without proof", place, findings.unproven, note))
    return rows


def stored_measurements(
    truth: TruthReader, api: ApiClient, start_us: int, end_us: int
) -> dict[str, Stored]:
    """Return by tag the source time in µs, value as text and quality of all that is stored."""
    found: dict[str, Stored] = {}
    rows = api.rows(
        "/api/v1/measurements.csv",
        place=truth.site_path,
        start=instant(start_us),
        end=instant(end_us),
    )
    next(rows, None)
    for tag, source_time, _received_time, value, quality in rows:
        found.setdefault(tag, []).append((time_us(source_time), value, _QUALITIES[quality]))
    return found


def _compare_tag(
    truth: TruthReader,
    tag: TrueTag,
    stored: Stored,
    window: tuple[int, int],
    findings: _Findings,
) -> None:
    start_us, end_us = window
    readings = [r for r in truth.readings(tag) if start_us <= r.source_us < end_us]
    by_time = {reading.source_us: reading for reading in readings}
    findings.stored += len(stored)
    for source_us, times in Counter(row[0] for row in stored).items():
        if times > 1:
            findings.note("twice", tag, source_us, f"{times} times")
    present = {row[0] for row in stored}
    issued_unlogged = truth.issued_times(tag) - by_time.keys() if tag.field else set()
    for source_us, value, quality in stored:
        reading = by_time.get(source_us)
        if reading is None and source_us in issued_unlogged:
            # Read, but the simulator ended before it had logged that.
            reading = Reading(source_us, truth.decoded(tag, source_us), Quality.GOOD.value, False)
        if reading is None:
            if quality == Quality.BAD and value == "":
                findings.marks += 1
            else:
                findings.note("foreign", tag, source_us, value)
        elif quality != reading.quality or not _same(tag, reading.value, value):
            findings.note("different", tag, source_us, f"{reading.value!r} became {value!r}")
    for reading in _required(tag, readings, stored):
        findings.expected += 1
        if reading.source_us in present:
            findings.matched += 1
        else:
            findings.note("missing", tag, reading.source_us, repr(reading.value))
    findings.unproven += sum(
        not reading.proven and reading.source_us not in present for reading in readings
    )


def _required(tag: TrueTag, readings: list[Reading], stored: Stored) -> Iterator[Reading]:
    """Yield the readings that must be stored; those that are stored count among them."""
    times = [row[0] for row in stored]
    present = set(times)
    for reading in readings:
        needed = reading.proven and not _suppressed(tag, reading, stored, times)
        if needed or reading.source_us in present:
            yield reading


def _suppressed(tag: TrueTag, reading: Reading, stored: Stored, times: list[int]) -> bool:
    """Return whether a deadband explains that a reading is not stored."""
    if tag.deadband is None:
        return False
    first = bisect_left(times, reading.source_us - _SUPPRESSED_WITHIN_US)
    last = bisect_right(times, reading.source_us)
    for _time, text, quality in stored[first:last]:
        if quality != reading.quality:
            continue
        if reading.value is None or text == "":
            if reading.value is None and text == "":
                return True
        elif abs(float(text) - _number(reading.value)) <= tag.deadband * (1 + 1e-9) + 1e-9:
            return True
    return False


def _same(tag: TrueTag, value: Value, text: str) -> bool:
    if value is None or text == "":
        return (value is None or value == "") and text == ""
    if tag.is_text:
        return str(value) == text
    return math.isclose(_number(value), float(text), rel_tol=1e-9, abs_tol=1e-9)


def _number(value: Value) -> float:
    assert isinstance(value, (int, float))
    return float(value)
