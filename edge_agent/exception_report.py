"""Report by exception: which readings of a tag are worth sending."""

from dataclasses import dataclass

from edge_agent.drivers.tag import TagSettings
from plant.measurement import Quality, Value


@dataclass(frozen=True, slots=True)
class Reported:
    """The newest measurement of a tag that was reported."""

    time_us: int
    value: Value
    quality: Quality


class ExceptionReport:
    """Decides for one tag, reading by reading; every time is source time, in microseconds.

    Without a deadband everything is reported. With one: a change larger than it, any change of
    quality or between absent and present, and a reading at least `max_interval_us` after the
    last one reported. A reading older than the last reported one came late; what it differs
    from is not known any more, so it is reported and changes nothing else.
    """

    __slots__ = ("_deadband", "_last", "_max_interval_us")

    def __init__(self, tag: TagSettings, last: Reported | None = None) -> None:
        seconds = tag.max_interval_s if tag.max_interval_s is not None else tag.max_silence_s / 2
        self._deadband = None if tag.deadband is None else tag.deadband * tag.factor
        self._max_interval_us = round(seconds * 1_000_000)
        self._last = last

    def admits(self, time_us: int, value: Value, quality: Quality) -> bool:
        """Return whether the reading is to be reported, and remember it when it is."""
        if self._deadband is None:
            return True
        last = self._last
        if last is not None:
            if time_us < last.time_us:
                return True
            if not self._differs(last, value, quality) and (
                time_us - last.time_us < self._max_interval_us
            ):
                return False
        self._last = Reported(time_us, value, quality)
        return True

    def _differs(self, last: Reported, value: Value, quality: Quality) -> bool:
        if quality != last.quality:
            return True
        if isinstance(value, int | float) and isinstance(last.value, int | float):
            return abs(value - last.value) > (self._deadband or 0.0)
        return value != last.value
