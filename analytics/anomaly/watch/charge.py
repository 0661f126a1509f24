"""A model in the care of this process: its scorer, brought forward from what is stored.

What was scored rests on readings that were there. Whether more of an hour came later is looked up
when the hour is 1, 2, 6 and 24 hours old; if so, the scorer goes back to what it knew before that
hour and judges again. After that an hour is final: the same readings, in whatever order they came,
have given the same events.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.anomaly.data.cycle import FEATURES, sensor_of
from analytics.anomaly.data.grid import Grid
from analytics.anomaly.event import Cause
from analytics.anomaly.state import VERSION
from analytics.anomaly.wander import BOUND
from analytics.anomaly.watch.machine import Machine
from analytics.anomaly.watch.scorer import Found, Scorer, ScorerSettings
from analytics.readings.interval import instant, millis
from plant.errors import DataError
from store import Connection
from store.anomaly import event as event_store
from store.anomaly import model as model_store
from store.anomaly import reading as reading_store
from store.anomaly.event import EventRow, Lesson
from store.anomaly.model import Advance, ModelRow
from store.anomaly.reading import Numbers, TextChange

HOUR = timedelta(hours=1)
CHECKED_AT_H = (1, 2, 6, 24)
"""Hours after which it is looked up whether more of an hour has come."""
FINAL_AFTER = timedelta(hours=CHECKED_AT_H[-1])
SAVE_EVERY = timedelta(minutes=10)
"""How much a restart judges again at most."""
_HOUR_MS = 3_600_000

Reach = dict[str, NDArray[np.float64]]
"""Least steps by regime, see `analytics.anomaly.wander`."""


@dataclass(slots=True)
class Counted:
    """What was done since somebody asked last."""

    rows: int = 0
    refits: int = 0
    judged_again: int = 0


@dataclass(slots=True)
class Charge:
    """One model with what it knows; `moment` is how far everything was judged."""

    row: ModelRow
    machine: Machine
    scorer: Scorer
    moment: datetime
    saved: datetime
    trained: bool = False
    """Whether what was learned for the trial has been kept."""
    counted: Counted = field(default_factory=Counted)
    approved: dict[datetime, Reach | None] = field(default_factory=dict)
    """By when a person approved it: what it saw then; None: not looked up, or not readable."""

    @property
    def signals(self) -> list[int]:
        """Return the tags whose numbers are read, in the order of the columns."""
        return signals_of(self.row)

    @property
    def told_tags(self) -> list[int]:
        """Return the tags whose texts are read: of the machine, and one that cuts cycles."""
        cuts = {self.signals[-1]} if isinstance(self.row.settings.get("cycle_begins"), str) else ()
        return sorted({*self.machine.text_tags, *cuts})

    @classmethod
    def taken(cls, connection: Connection, row: ModelRow, machine: Machine) -> "Charge":
        """Return a model as saved last, as new, or as that which a person went back to."""
        settings = scorer_settings(row, machine)
        found = model_store.load_state(connection, row.model_id, VERSION)
        moments = model_store.approvals(connection, row.model_id)
        back = taken_back(row)
        anew = back is not None and (found is None or found[0] <= back)
        if anew and moments and row.settings.get("as_approved") == row.settings["taken_back"]:
            found = model_store.load_approved(connection, row.model_id, VERSION, moments[-1])
        moment = row.train_from if found is None else max(found[0], begins(row))
        try:
            scorer = (
                Scorer(len(row.tag_ids), settings)
                if found is None
                else Scorer.from_bytes(found[1], len(row.tag_ids), settings)
            )
        except DataError:
            # Of another version: everything since the start of learning is judged again.
            scorer, moment = Scorer(len(row.tag_ids), settings), row.train_from
        if anew and back is not None:
            # What was going on then, or until now, is over.
            scorer.begin_anew()
            event_store.end_events(connection, row.model_id, back)
        trained = moment >= learned_at(row)
        known: dict[datetime, Reach | None] = dict.fromkeys(moments)
        return cls(row, machine, scorer, moment, moment, trained, approved=known)

    def forward(self, connection: Connection, until: datetime) -> int:
        """Judge everything up to `until` in one transaction; return how many readings that was.

        At the ends of hours what was judged before is compared with what is stored, and judged
        again where that has grown.
        """
        with connection.transaction():
            if self.to_be_kept:
                self._keep_as_approved(connection)
            lessons = self._lessons(connection)
            taken = 0
            for end in self._ends(until, lessons):
                numbers, changes = self._read(connection, end)
                taken += self._step(connection, end, numbers, changes)
                for lesson in lessons:
                    # A repetition learns at the moment at which it was learned first: the same
                    # readings then give the same events (docs/decisions/0040).
                    if lesson.learned_from == end:
                        self._learn(connection, lesson)
                if not self.trained and end >= learned_at(self.row):
                    self.trained = True
                    self._save(connection, "anchor")
                if millis(end) % _HOUR_MS == 0:
                    late = self._late(connection)
                    if late is not None:
                        self._go_back(connection, late)
                        break
                    self._compare(connection)
                    self._checkpoint(connection)
            if self.moment - self.saved >= SAVE_EVERY:
                self._checkpoint(connection)
        return taken

    def plain_until(self, until: datetime) -> datetime | None:
        """Return up to when nothing but readings has to be looked at; None where more has to."""
        ends = self._ends(until, ())
        plain = len(ends) == 1 and millis(ends[0]) % _HOUR_MS and self.trained
        plain = plain and not self.to_be_kept
        due = self.moment - self.saved >= SAVE_EVERY
        return ends[0] if plain and not due else None

    def take(
        self,
        connection: Connection,
        until: datetime,
        numbers: Numbers,
        changes: Sequence[TextChange],
    ) -> int:
        """Judge readings that were read together with those of other models; see `plain_until`."""
        return self._step(connection, until, numbers, changes)

    def save(self, connection: Connection) -> None:
        """Keep what it knows, before somebody else takes it."""
        with connection.transaction():
            self._checkpoint(connection)

    @property
    def to_be_kept(self) -> bool:
        """Return whether a person has approved it since what was approved was kept."""
        live = self.row.status == "live" and self.trained
        return live and self.row.approved_at not in self.approved

    def _keep_as_approved(self, connection: Connection) -> None:
        """Keep what it knows as that which a person approved."""
        approved_at = self.row.approved_at
        assert approved_at is not None, "a live model was approved"
        content = self.scorer.to_bytes()
        model_store.save_state(
            connection, self.row.model_id, approved_at, "approved", VERSION, content
        )
        self.approved[approved_at] = self.scorer.reach

    def _compare(self, connection: Connection) -> None:
        """Compare what it has become with what was approved last before the present moment."""
        before = [one for one in self.approved if one < self.moment]
        if not before or self.row.status != "live":
            return
        reference = self._reach_approved(connection, max(before))
        if reference:
            found = self.scorer.compare(reference, millis(self.moment))
            event_store.write_events(connection, [self._row(connection, one) for one in found])

    def _reach_approved(self, connection: Connection, approved_at: datetime) -> Reach:
        reference = self.approved[approved_at]
        if reference is None:
            found = model_store.load_approved(connection, self.row.model_id, VERSION, approved_at)
            try:
                # Of another version it cannot be compared with: a person may approve anew.
                reference = {} if found is None else self._loaded(found[1]).reach
            except DataError:
                reference = {}
            self.approved[approved_at] = reference
        return reference

    def _loaded(self, content: bytes) -> Scorer:
        return Scorer.from_bytes(content, len(self.row.tag_ids), self.scorer.settings)

    def _ends(self, until: datetime, lessons: Sequence[Lesson]) -> list[datetime]:
        """Return where to pause: ends of hours, of learning, of the trial, and lessons."""
        step = self.row.step_ms
        last = millis(until) // step * step
        first = millis(self.moment)
        marks = set(range(first // _HOUR_MS * _HOUR_MS, last + 1, _HOUR_MS))
        marks.add(millis(learned_at(self.row)))
        marks |= {millis(one.learned_from) for one in lessons if one.learned_from is not None}
        marks.add(last)
        return [instant(mark) for mark in sorted(marks) if first < mark <= last]

    def _read(
        self, connection: Connection, until: datetime
    ) -> tuple[Numbers, Sequence[TextChange]]:
        numbers = reading_store.numbers(connection, self.signals, self.moment, until)
        return numbers, reading_store.texts(connection, self.told_tags, self.moment, until)

    def _step(
        self,
        connection: Connection,
        until: datetime,
        numbers: Numbers,
        changes: Sequence[TextChange],
    ) -> int:
        """Judge what lies between the present moment and `until`; nothing within splits it."""
        new = [one for one in changes if one.moment > self.moment]
        before = self.scorer.rows, self.scorer.refits
        self.scorer.count(numbers.time_us // 1000 + (numbers.time_us % 1000 > 0))
        self.scorer.count(np.array([_up(one.moment) for one in new], dtype=np.int64))
        found = self.scorer.take(
            *self._columns(numbers, new), self.machine.regimes(changes), millis(until)
        )
        self.counted.rows += self.scorer.rows - before[0]
        # A regime that made room for another took its count along.
        self.counted.refits += max(self.scorer.refits - before[1], 0)
        if found and until > learned_at(self.row):
            newest = {(one.kind, one.sensor, one.start_ms): one for one in found}
            rows = [self._row(connection, one) for one in newest.values()]
            event_store.write_events(connection, rows)
        self.moment = until
        return len(numbers.time_us) + len(new)

    def _columns(self, numbers: Numbers, words: Sequence[TextChange]) -> tuple[Any, Any, Any]:
        places = {tag_id: place for place, tag_id in enumerate(self.signals)}
        sensors = np.array([places[int(tag)] for tag in numbers.tag_ids], dtype=np.int64)
        # Up, as a row holds what lies before its end: a microsecond after it is the next one's.
        times = -(-numbers.time_us // 1000)
        begins = self.row.settings.get("cycle_begins")
        cuts = [one for one in words if one.tag_id == self.signals[-1]]
        if not isinstance(begins, str) or not cuts:
            return times, sensors, numbers.values
        moments = np.array([_up(one.moment) for one in cuts], dtype=np.int64)
        said = np.array([float(one.value == begins) for one in cuts])
        return (
            np.concatenate((times, moments)),
            np.concatenate((sensors, np.full(len(cuts), len(places) - 1))),
            np.concatenate((numbers.values, said)),
        )

    def _row(self, connection: Connection, one: Found) -> EventRow:
        tag_id = self._tag_of(one)
        start = instant(one.start_ms)
        words = reading_store.texts(connection, self.machine.text_tags, start, start)
        return EventRow(
            event_id=f"m{self.row.model_id}-{one.kind}-{tag_id or 0}-{one.start_ms}",
            work_unit_id=self.row.work_unit_id,
            model_id=self.row.model_id,
            kind=one.kind,
            tag_id=tag_id,
            start_time=start,
            opened_at=instant(one.opened_ms),
            end_time=None if one.end_ms is None else instant(one.end_ms),
            peak=one.peak,
            severity=one.severity,
            relearned=one.relearned,
            trial=self.row.approved_at is None or start < self.row.trial_to,
            causes=[self._cause(cause, one.kind) for cause in one.causes],
            context=self.machine.context(words, start) | _left(one),
        )

    def _tag_of(self, one: Found) -> int | None:
        if one.sensor is None:
            return None
        if one.kind == "wander" and self.scorer.settings.cyclic:
            sensor = sensor_of(one.sensor)
            return self.signals[-1 if sensor is None else sensor]
        return self.row.tag_ids[one.sensor]

    def _cause(self, cause: Cause, kind: str) -> dict[str, Any]:
        told: dict[str, Any] = {
            "share": round(cause.share, 4),
            "deviation": round(cause.deviation, 3),
            "actual": cause.actual,
            "expected": cause.expected,
        }
        # Wear is of signals, also where rows are cycles.
        if not self.scorer.settings.cyclic or kind not in {"model", "wander"}:
            return told | {"tag_id": self.row.tag_ids[cause.sensor]}
        sensor = sensor_of(cause.sensor)
        if sensor is None:
            # How long a cycle takes is the counter's.
            return told | {"tag_id": self.signals[-1], "feature": "duration"}
        feature = FEATURES[(cause.sensor - 1) % len(FEATURES)]
        return told | {"tag_id": self.row.tag_ids[sensor], "feature": feature}

    def _late(self, connection: Connection) -> datetime | None:
        """Return the start of the earliest hour of which more is stored than was judged."""
        if self.row.status == "learning":
            return None
        for age in reversed(CHECKED_AT_H):
            start = self.moment - (age * HOUR)
            if start < begins(self.row):
                continue
            tags = sorted({*self.signals, *self.told_tags})
            stored = reading_store.counts(connection, tags, start, start + HOUR)
            # By number alone, as measurements are only ever added.
            if stored.get(start, 0) != self.scorer.hours.get(millis(start) // _HOUR_MS, 0):
                return start
        return None

    def _go_back(self, connection: Connection, before: datetime) -> None:
        found = model_store.load_state(connection, self.row.model_id, VERSION, before)
        settings = self.scorer.settings
        if found is None:
            self.moment, self.scorer = self.row.train_from, Scorer(self.scorer.sensors, settings)
            self.trained = False
        else:
            self.moment = max(found[0], begins(self.row))
            self.scorer = self._loaded(found[1])
        # With the states, and in the transaction that judges again: an event of a judgement that is
        # taken back may not be seen beside the new one.
        event_store.forget_events(connection, self.row.model_id, self.moment)
        model_store.forget_states(connection, self.row.model_id, self.moment)
        self.saved = self.moment
        self.counted.judged_again += 1

    def _lessons(self, connection: Connection) -> list[Lesson]:
        """Return what people called normal; what is new is learned from the present moment on."""
        lessons = event_store.lessons(connection, self.row.model_id)
        if self.row.status == "learning":
            return [one for one in lessons if one.learned_from is not None]
        for one in lessons:
            if one.learned_from is None:
                event_store.mark_learned(connection, one.remark_id, self.moment)
                self._learn(connection, one)
                self._save(connection, "checkpoint")
        return [one for one in lessons if one.learned_from is not None]

    def _learn(self, connection: Connection, lesson: Lesson) -> None:
        """Read the rows of a span again and take them into the model of their product."""
        before = lesson.start_time - timedelta(minutes=2)
        numbers = reading_store.numbers(connection, self.signals, before, lesson.end_time)
        words = reading_store.texts(
            connection, self.machine.text_tags, lesson.start_time, lesson.start_time
        )
        own = self.scorer.grid
        grid = Grid(own.sensors, own.step_ms, own.hold_steps)
        said = reading_store.texts(connection, self.told_tags, before, lesson.end_time)
        cuts = [one for one in said if one.moment > before]
        rows = grid.take(*self._columns(numbers, cuts), millis(lesson.end_time))
        # A cycle needs the one before it to have a beginning.
        within = rows.times_ms >= millis(lesson.start_time)
        within |= np.full(len(within), self.scorer.settings.cyclic)
        regimes = self.machine.regimes(words)
        place = bisect_right([moment for moment, _ in regimes], millis(lesson.start_time)) - 1
        regime = regimes[place][1] if place >= 0 else ""
        self.scorer.learn_normal(rows.times_ms[within], rows.values[within], regime)

    def _checkpoint(self, connection: Connection) -> None:
        """Keep what it knows, and of former moments those that an hour may have to go back to."""
        self.scorer.ends_before(millis(self.moment - FINAL_AFTER - 2 * HOUR))
        self._save(connection, "checkpoint")
        moments = model_store.state_moments(connection, self.row.model_id)
        kept = {self.moment}
        for age in CHECKED_AT_H:
            before = [one for one in moments if one <= self.moment - age * HOUR]
            kept.update(before[-1:])
        # The one that an hour of a day ago goes back to must have been kept until then.
        kept.update(one for one in moments if millis(one) % (6 * _HOUR_MS) == 0)
        kept.update(one for one in moments if one > self.moment - 6 * HOUR and _whole_hour(one))
        limit = max((one for one in moments if one <= self.moment - FINAL_AFTER), default=None)
        model_store.thin_states(
            connection,
            self.row.model_id,
            sorted(one for one in kept if limit is None or one >= limit),
        )

    def _save(self, connection: Connection, kind: str) -> None:
        content = self.scorer.to_bytes()
        model_store.save_state(connection, self.row.model_id, self.moment, kind, VERSION, content)
        self.saved = self.moment

    def report(self) -> tuple[int, Advance]:
        """Return the model and how far it has come."""
        learned = self.trained and self.row.data_hash is None
        final = self.moment - FINAL_AFTER
        progress = self.scorer.progress
        cyclic = self.scorer.settings.cyclic
        left_out: dict[str, str] = {}
        for column, why in progress["left_out"].items():
            sensor = sensor_of(int(column)) if cyclic else int(column)
            left_out[str(self.signals[-1 if sensor is None else sensor])] = why
        progress["left_out"] = left_out
        return self.row.model_id, Advance(
            scored_until=self.moment,
            final_until=final if final > self.row.train_from else None,
            rows_learned=self.scorer.rows,
            progress=progress,
            data_hash=self.scorer.digest.hex() if learned else None,
            false_per_day=self.scorer.false_per_day,
        )


def scorer_settings(row: ModelRow, machine: Machine) -> ScorerSettings:
    """Return the settings of a model: what an engineer chose, and what its tags say."""
    chosen = row.settings
    default = ScorerSettings()
    return ScorerSettings(
        step_ms=row.step_ms,
        hold_s=tuple(machine.silence_s.get(tag_id, 60.0) for tag_id in row.tag_ids),
        ranges=tuple(machine.ranges.get(tag_id, (-np.inf, np.inf)) for tag_id in row.tag_ids),
        alarm=float(chosen.get("alarm", default.alarm)),
        open_rows=int(chosen.get("open_rows", default.open_rows)),
        close_rows=int(chosen.get("close_rows", default.close_rows)),
        learn_rows=int(chosen.get("learn_rows", default.learn_rows)),
        cyclic="cycle_tag" in chosen,
        cycle_begins=_begins_as_number(chosen.get("cycle_begins")),
    )


def _begins_as_number(begins: object) -> float | None:
    """Return what a cycle begins with in the column that cuts them; of a text that is 1."""
    if begins is None:
        return None
    return 1.0 if isinstance(begins, str) else float(str(begins))


def signals_of(row: ModelRow) -> list[int]:
    """Return the tags of a model: what it judges, and the counter that cuts cycles, if any."""
    counter = row.settings.get("cycle_tag")
    return list(row.tag_ids) if counter is None else [*row.tag_ids, int(counter)]


def learned_at(row: ModelRow) -> datetime:
    """Return the last step that is learned from without being judged."""
    return instant(millis(row.train_to) // row.step_ms * row.step_ms)


def begins(row: ModelRow) -> datetime:
    """Return from when on a model judges; one that was taken back goes on from that moment."""
    return taken_back(row) or row.train_from


def taken_back(row: ModelRow) -> datetime | None:
    """Return when a person went back to this model, or to what was approved of it."""
    moment = row.settings.get("taken_back")
    return None if moment is None else datetime.fromisoformat(moment)


def _left(one: Found) -> dict[str, float | None]:
    """Return the hours that wear leaves, and the bound of wandering, as a context tells them."""
    if one.kind == "wander":
        return {"bound": BOUND}
    if one.remaining_h is None:
        return {}
    names = ("remaining_h", "earliest_h", "latest_h")
    known = (None if hours is None else round(hours, 2) for hours in one.remaining_h)
    return dict(zip(names, known, strict=True))


def _whole_hour(moment: datetime) -> bool:
    return millis(moment) % _HOUR_MS == 0


def _up(moment: datetime) -> int:
    """Return milliseconds since 1970, upwards."""
    return millis(moment) + (1 if moment.microsecond % 1000 else 0)
