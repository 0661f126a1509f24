"""The remote configuration of one edge: what is in force, what is tried, what was refused.

Life of a pushed text: offered (by the publisher's thread), considered (checked, and put on disk),
tried (the agent is rebuilt with it), then kept once a source of it delivers, or taken back.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from edge_agent.configuration.kept import Kept, KeptSources, Refusal
from edge_agent.configuration.sources import checked_sources
from edge_agent.publisher.messages import ConfigState
from edge_agent.settings import EdgeSettings
from plant.errors import ConfigurationError, DataError, TransientError
from plant.log import get_logger
from plant.native.message import Config, decode_config

STARTS_ON_TRIAL: Final = 3
"""Starts of an agent on trial that may end without a verdict: power cuts happen, too."""
LONGEST_REASON: Final = 500

_log = get_logger()


class RemoteConfiguration:
    """Decides which sources an edge reads. Only `offer` is called from another thread."""

    def __init__(self, local: EdgeSettings, elapsed: Callable[[], float]) -> None:
        self._local = local
        self._elapsed = elapsed
        self._file = kept_file(local)
        self._offered: bytes | None = None
        self._lock = threading.Lock()
        self._next: EdgeSettings | None = None
        self._settings = local
        self._kept = Kept()
        self._in_force: int | None = None
        self._error: str | None = None
        self._on_trial_since: float | None = None
        self._others_delivered = False
        if local.configuration.accept:
            self._take_up()

    @property
    def settings(self) -> EdgeSettings:
        """The settings to run with."""
        return self._settings

    @property
    def state(self) -> ConfigState:
        """What heartbeats tell the platform."""
        refused = self._kept.refused
        failed = None if refused is None else refused.version
        tried = refused is not None and refused.tried
        return ConfigState(
            version=self._in_force,
            error=self._error,
            on_trial=self.on_trial,
            refused=None if tried else failed,
            rolled_back=failed if tried else None,
        )

    @property
    def on_trial(self) -> bool:
        """Whether the sources in force have yet to prove themselves."""
        return self._on_trial_since is not None

    def offer(self, payload: bytes) -> None:
        """Take a message of the leaf `config`; it is looked at later, by `consider`."""
        if self._local.configuration.accept:
            with self._lock:
                self._offered = payload

    @property
    def offered(self) -> bool:
        """Whether there is something to consider."""
        return self._offered is not None

    def consider(self) -> None:
        """Check what was offered, and put it on trial when it is newer and valid.

        Takes a second or so for thousands of tags.
        """
        with self._lock:
            payload, self._offered = self._offered, None
        if not payload:
            return
        try:
            config = decode_config(payload)
        except DataError as exc:
            self._error = _short(f"the message is not usable: {exc}")
            _log.warning("configuration_unreadable", reason=str(exc))
            return
        if not self._is_news(config):
            return
        pushed = KeptSources(config.version, config.sha256, config.sources)
        try:
            settings = checked_sources(config.sources, self._local)
        except ConfigurationError as exc:
            self._refuse(pushed, str(exc))
            return
        kept = Kept(good=self._kept.good, trial=pushed)
        if self._keep(kept):
            self._next = settings

    def change_due(self, *, delivering: bool) -> bool:
        """Return whether the agent must be rebuilt; `delivering` is whether any source reads.

        Ends the trial: well, when a source delivers, and badly after a silence that the sources
        before did not have.
        """
        if self._next is not None:
            self._others_delivered = delivering or self._others_delivered
            return True
        if self._on_trial_since is None:
            self._others_delivered = self._others_delivered or delivering
            return False
        if delivering:
            self._prove()
            return False
        patience_s = self._local.configuration.probation_s
        if self._elapsed() - self._on_trial_since < patience_s:
            return False
        if not self._others_delivered:
            # The sources before were silent, too: nothing speaks for going back.
            self._prove()
            return False
        self.take_back(f"none of its sources could be read within {patience_s:g} s")
        return True

    def begin(self) -> None:
        """Go over to the sources that were considered."""
        if self._next is None:
            return
        self._settings, self._next = self._next, None
        self._start_trial()

    def take_back(self, reason: str) -> None:
        """End the trial badly: the last good sources are in force again."""
        trial = self._kept.trial
        if trial is not None:
            self._refuse(trial, reason)
        self._on_trial_since = None
        self._use_good()

    def ended(self) -> None:
        """Take note that the agent was stopped on purpose: that speaks against nothing."""
        if self._on_trial_since is not None:
            kept = self._kept
            self._keep(Kept(kept.good, kept.trial, max(0, kept.starts - 1), kept.refused))

    def _take_up(self) -> None:
        """Go on with what the file on disk says."""
        kept = Kept.read(self._file)
        if kept is None:
            self._error = f"{self._file} is unreadable: the sources of the settings file are used"
            _log.error("configuration_file_unreadable", file=str(self._file))
            return
        edge = self._local.edge.address().identity
        if kept.edge not in {"", edge}:
            # The settings were moved to another edge: what was pushed to that one is not ours.
            _log.warning("configuration_of_another_edge", edge=kept.edge, file=str(self._file))
            kept = Kept()
        self._kept = kept
        self._error = _told(kept.refused)
        self._use_good()
        if kept.trial is None:
            return
        if kept.starts >= STARTS_ON_TRIAL:
            self._refuse(kept.trial, f"the agent ended {kept.starts} times while trying it")
            return
        try:
            self._settings = checked_sources(kept.trial.sources, self._local)
        except ConfigurationError as exc:
            self._refuse(kept.trial, str(exc))
        else:
            # What the sources before did, nobody knows any more.
            self._others_delivered = True
            self._start_trial()

    def _start_trial(self) -> None:
        trial = self._kept.trial
        if trial is None:
            raise AssertionError("only what is on disk is tried")
        kept = self._kept
        self._keep(Kept(kept.good, trial, kept.starts + 1, kept.refused))
        self._in_force = trial.version
        self._error = None
        self._on_trial_since = self._elapsed()
        _log.info("configuration_on_trial", version=trial.version)

    def _prove(self) -> None:
        self._on_trial_since = None
        self._others_delivered = True
        trial = self._kept.trial
        if trial is not None and self._keep(Kept(good=trial)):
            _log.info("configuration_in_force", version=trial.version)

    def _use_good(self) -> None:
        good = self._kept.good
        self._settings, self._in_force = self._local, None
        if good is None:
            return
        try:
            self._settings = checked_sources(good.sources, self._local)
            self._in_force = good.version
        except ConfigurationError as exc:
            # The edge's own file has changed since: a tag's name, a path that it named.
            self._error = _short(f"version {good.version} no longer fits: {exc}")
            _log.error("configuration_no_longer_fits", version=good.version, reason=str(exc))

    def _is_news(self, config: Config) -> bool:
        """Return whether a message is to be looked at; what was decided stays decided."""
        kept = self._kept
        mark = config.version, config.sha256
        decided = [one for one in (kept.good, kept.trial, kept.refused) if one is not None]
        if any((one.version, one.sha256) == mark for one in decided):
            return False
        newest = max((one.version for one in (kept.good, kept.trial) if one is not None), default=0)
        if config.version > newest:
            return True
        self._error = f"version {config.version} is not above version {newest}, which is in force"
        _log.warning("configuration_too_old", version=config.version, in_force=newest)
        return False

    def _refuse(self, pushed: KeptSources, reason: str) -> None:
        tried = pushed == self._kept.trial
        refusal = Refusal(pushed.version, pushed.sha256, _short(reason), tried)
        self._error = _told(refusal)
        _log.error("configuration_refused", version=pushed.version, reason=refusal.reason)
        keeps_trial = self._kept.trial not in {None, pushed}
        self._keep(
            Kept(
                good=self._kept.good,
                trial=self._kept.trial if keeps_trial else None,
                starts=self._kept.starts if keeps_trial else 0,
                refused=refusal,
            )
        )

    def _keep(self, kept: Kept) -> bool:
        """Put it on disk; return False, with the reason as error, when the disk is full."""
        kept = replace(kept, edge=self._local.edge.address().identity)
        try:
            kept.write(self._file)
        except TransientError as exc:
            self._error = str(exc)
            _log.error("configuration_not_kept", reason=str(exc))
            return False
        self._kept = kept
        return True


def kept_file(settings: EdgeSettings) -> Path:
    """Return the file in which an edge keeps pushed sources."""
    beside = settings.outbox.file.with_name(settings.outbox.file.name + ".config.json")
    return settings.configuration.file or beside


def in_force(local: EdgeSettings) -> tuple[EdgeSettings, str]:
    """Return the settings that an agent would run with, and in words whose sources they are.

    Nothing is changed. Raises ConfigurationError for pushed sources that no longer fit.
    """
    kept = Kept.read(kept_file(local)) if local.configuration.accept else Kept()
    if kept is None:
        raise ConfigurationError(
            f"{kept_file(local)} cannot be read: the agent goes by its own file until the "
            "platform's sources come again"
        )
    if kept.edge not in {"", local.edge.address().identity}:
        kept = Kept()
    pushed = kept.trial or kept.good
    refused = f"; {_told(kept.refused)}, which is not used" if kept.refused else ""
    if pushed is None:
        return local, f"the sources of this file{refused}"
    try:
        settings = checked_sources(pushed.sources, local)
    except ConfigurationError as exc:
        raise ConfigurationError(f"version {pushed.version} no longer fits: {exc}") from exc
    trial = ", on trial" if pushed is kept.trial else ""
    return settings, f"version {pushed.version}, pushed by the platform{trial}{refused}"


def _told(refusal: Refusal | None) -> str | None:
    return f"version {refusal.version}: {refusal.reason}" if refusal else None


def _short(reason: str) -> str:
    return reason if len(reason) <= LONGEST_REASON else reason[: LONGEST_REASON - 1] + "…"
