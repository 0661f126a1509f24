"""The models in the care of one process: shared with others, brought forward, given back.

A model belongs to the session that holds its lock; a process that dies lets go of all of them.
Each takes its share: as many as there are models, divided by the sessions that own some.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import structlog

from analytics.anomaly.watch.charge import Charge, Counted, taken_back
from analytics.anomaly.watch.machine import Machine, load_machines
from analytics.anomaly.watch.metrics import AnomalyMetrics
from analytics.anomaly.watch.proposal import propose_models
from plant.clock import Clock
from plant.errors import DataError
from store import Connection
from store.anomaly import event as event_store
from store.anomaly import model as model_store
from store.anomaly import reading as reading_store
from store.anomaly.model import ModelRow
from store.anomaly.reading import Numbers, TextChange
from store.figure import source as figure_source
from store.figure.source import EdgeProgress

_log = structlog.get_logger()
_CHUNK = timedelta(hours=1)
_MACHINES_FOR_S = 60.0
_PROPOSALS_EVERY_S = 60.0
_REST_S = 300.0
_BROKEN = (ArithmeticError, LookupError, TypeError, ValueError, DataError)
"""What arithmetic on odd data raises: that model rests, all others go on."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long data are waited for, in plant time."""

    lateness: timedelta
    """For edges that do not say how far they are."""
    away_after: timedelta
    """Silence of an edge after which nobody waits for it."""
    budget_s: float = 5.0
    """Seconds of wall time that one pass spends on models that are behind."""


@dataclass(slots=True)
class Fleet:
    """The models that this process has."""

    clock: Clock
    patience: Patience
    metrics: AnomalyMetrics = field(default_factory=AnomalyMetrics)
    charges: dict[int, Charge] = field(default_factory=dict)
    resting: dict[int, float] = field(default_factory=dict)
    """Models that could not be judged, by when they are tried again."""
    machines: dict[int, Machine] = field(default_factory=dict)
    _machines_at: float = field(default=float("-inf"))
    _proposed_at: float = field(default=float("-inf"))

    def one_pass(self, connection: Connection) -> int:
        """Bring every model forward as far as its data are whole; return the readings judged.

        Models that are live and near the present come first; those behind share what is left of the
        budget, an hour of data at a time.
        """
        now = self.clock()
        rows = model_store.models(connection, ["learning", "ready", "live"])
        self._know_machines(connection, rows)
        self._share(connection, rows)
        progress = figure_source.edge_progress(connection)
        lessons = event_store.models_with_lessons(connection)
        near: dict[tuple[datetime, datetime], list[Charge]] = {}
        alone, behind = [], []
        for charge in self.charges.values():
            until = self._until(charge, progress, now)
            if until is None or until <= charge.moment:
                continue
            plain = None if charge.row.model_id in lessons else charge.plain_until(until)
            if until - charge.moment > _CHUNK:
                behind.append((charge, until))
            elif plain is not None:
                near.setdefault((charge.moment, plain), []).append(charge)
            else:
                alone.append((charge, until))
        moved: dict[int, Charge] = {}
        taken = 0
        for (after, until), charges in near.items():
            taken += self._together(connection, charges, after, until)
            moved |= {one.row.model_id: one for one in charges}
        for charge, until in alone:
            taken += self._forward(connection, charge, until)
            moved[charge.row.model_id] = charge
        ends = time.monotonic() + self.patience.budget_s
        while behind and time.monotonic() < ends:
            charge, until = behind.pop(0)
            taken += self._forward(connection, charge, min(charge.moment + _CHUNK, until))
            moved[charge.row.model_id] = charge
            if charge.moment < until and charge.row.model_id in self.charges:
                behind.append((charge, until))
        kept = [one for one in moved.values() if one.row.model_id in self.charges]
        model_store.advance(connection, [charge.report() for charge in kept])
        self._propose(connection, rows, now)
        self._tell(now, taken)
        return taken

    def ask_again(self) -> None:
        """Look for models to ask for in the next pass, whenever that was done last."""
        self._proposed_at = float("-inf")

    def _propose(self, connection: Connection, rows: Sequence[ModelRow], now: datetime) -> None:
        """Ask for models where those in this process's care rest on a machine as it is no more."""
        if time.monotonic() - self._proposed_at < _PROPOSALS_EVERY_S:
            return
        self._proposed_at = time.monotonic()
        own = [row for row in rows if row.model_id in self.charges or row.status != "live"]
        self.metrics.proposals += propose_models(connection, own, now)

    def _tell(self, now: datetime, taken: int) -> None:
        metrics = self.metrics
        metrics.readings += taken
        for charge in self.charges.values():
            metrics.rows += charge.counted.rows
            metrics.refits += charge.counted.refits
            metrics.judged_again += charge.counted.judged_again
            charge.counted = Counted()
        statuses = Counter(charge.row.status for charge in self.charges.values())
        metrics.models = dict(sorted(statuses.items()))
        metrics.set_aside = len(self.resting)
        live = [one.moment for one in self.charges.values() if one.row.status == "live"]
        metrics.lag_s = max((now - min(live)).total_seconds(), 0.0) if live else 0.0

    def _gone_back(self, connection: Connection, row: ModelRow, machine: Machine) -> Charge:
        """Return a model as a person approved it; what it has learned since is dropped."""
        with connection.transaction():
            model_store.forget_states(connection, row.model_id, taken_back(row) or row.train_from)
            return Charge.taken(connection, row, machine)

    def _together(
        self,
        connection: Connection,
        charges: Sequence[Charge],
        after: datetime,
        until: datetime,
    ) -> int:
        """Bring models forward that stand at the same moment: their readings come in one query."""
        owner = {tag: place for place, one in enumerate(charges) for tag in one.signals}
        numbers = reading_store.numbers(connection, list(owner), after, until)
        told = [tag for one in charges for tag in one.told_tags]
        words: dict[int, list[TextChange]] = {}
        for change in reading_store.texts(connection, told, after, until) if told else ():
            words.setdefault(change.tag_id, []).append(change)
        tags, place_of = np.unique(numbers.tag_ids, return_inverse=True)
        owners = np.array([owner[int(tag)] for tag in tags], dtype=np.int64)[place_of]
        order = np.argsort(owners, kind="stable")
        cuts = np.searchsorted(owners[order], np.arange(len(charges) + 1))
        taken = 0
        for place, charge in enumerate(charges):
            own = order[cuts[place] : cuts[place + 1]]
            part = Numbers(numbers.tag_ids[own], numbers.time_us[own], numbers.values[own])
            changes = [one for tag in charge.told_tags for one in words.get(tag, ())]
            changes.sort(key=lambda one: (one.moment, one.tag_id, one.value))
            with self._in_hand(charge):
                taken += charge.take(connection, until, part, changes)
        return taken

    def save(self, connection: Connection) -> None:
        """Keep what every model knows."""
        for charge in self.charges.values():
            charge.save(connection)

    def _forward(self, connection: Connection, charge: Charge, until: datetime) -> int:
        taken = 0
        with self._in_hand(charge):
            taken += charge.forward(connection, until)
        return taken

    @contextmanager
    def _in_hand(self, charge: Charge) -> Iterator[None]:
        """Whatever breaks it off leaves a scorer ahead of what is stored: it is loaded again.

        What the data of one machine break is that machine's: it rests a while, with the lock still
        held, and is tried again from what is stored.
        """
        model_id = charge.row.model_id
        del self.charges[model_id]
        try:
            yield
        except _BROKEN as exc:
            self.metrics.errors += 1
            self.resting[model_id] = time.monotonic() + _REST_S
            _log.error(
                "anomaly_model_set_aside", model=model_id, place=charge.row.place, exc_info=exc
            )
        else:
            self.charges[model_id] = charge

    def _until(
        self, charge: Charge, progress: Mapping[int, EdgeProgress], now: datetime
    ) -> datetime | None:
        """Return up to when a model may judge; None while it waits for a person or for data."""
        if charge.row.status == "ready":
            return None
        reach = self._whole_until(charge, progress, now)
        if charge.row.status == "learning":
            end = charge.row.trial_to
            # History need not wait for an edge that is away.
            return end if end <= now - self.patience.away_after else min(end, reach or end)
        return reach

    def _whole_until(
        self, charge: Charge, progress: Mapping[int, EdgeProgress], now: datetime
    ) -> datetime | None:
        """Return until when everything that the edges of a machine measured has arrived.

        An edge that went away is not waited for while another one reports: what it kept comes
        later, and hours are judged again then.
        """
        machine = charge.machine
        tags = [*charge.signals, *charge.told_tags]
        edges = {machine.edges[tag] for tag in tags if tag in machine.edges}
        known = [progress[edge] for edge in edges if edge in progress]
        reach = []
        for one in known:
            away = now - one.reported_at > self.patience.away_after or not one.online
            if not away and one.sampled_time is not None:
                pending = one.oldest_pending_time if one.pending else None
                reach.append(min(one.sampled_time, pending or one.sampled_time))
        if reach:
            return min([*reach, now])
        told = [one.sampled_time for one in known if one.sampled_time is not None]
        if told:
            # All are away: what they told before they went is there.
            return min([*told, now])
        return now - self.patience.lateness

    def _know_machines(self, connection: Connection, rows: Sequence[ModelRow]) -> None:
        units = {row.work_unit_id for row in rows}
        old = time.monotonic() - self._machines_at > _MACHINES_FOR_S
        if not old and units <= self.machines.keys():
            return
        plant = figure_source.plant_source(connection)
        self.machines = load_machines(connection, plant, sorted(units))
        self._machines_at = time.monotonic()

    def _share(self, connection: Connection, rows: Sequence[ModelRow]) -> None:
        """Take what nobody has, up to one's share; give back what is more, or no model any more."""
        wanted = {row.model_id: row for row in rows if row.work_unit_id in self.machines}
        for model_id in [*self.charges, *self.resting]:
            if model_id not in wanted:
                self.charges.pop(model_id, None)
                self.resting.pop(model_id, None)
                model_store.disown(connection, model_id)
        # Without any model this process is not among the owners yet.
        others = model_store.owners(connection) + (0 if self.charges else 1)
        share = -(-len(wanted) // max(others, 1))
        for model_id in list(self.charges)[share:]:
            charge = self.charges.pop(model_id)
            charge.save(connection)
            model_store.disown(connection, model_id)
        for model_id, row in wanted.items():
            held = self.charges.get(model_id)
            machine = self.machines[row.work_unit_id]
            if held is not None and taken_back(row) != taken_back(held.row):
                self.charges[model_id] = self._gone_back(connection, row, machine)
            elif held is not None:
                held.row, held.machine = row, machine
            elif model_id in self.resting:
                if time.monotonic() >= self.resting[model_id]:
                    del self.resting[model_id]
                    self.charges[model_id] = Charge.taken(connection, row, machine)
            elif len(self.charges) < share and model_store.try_own(connection, model_id):
                self.charges[model_id] = Charge.taken(connection, row, machine)
                _log.info("anomaly_model_taken", model=model_id, place=row.place)
