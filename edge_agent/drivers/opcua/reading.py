"""From OPC UA data values to readings."""

from datetime import UTC

from asyncua import ua

from edge_agent.drivers.contract import Reading
from plant.clock import microseconds
from plant.measurement import Quality

_SEVERITIES = (Quality.GOOD, Quality.UNCERTAIN, Quality.BAD, Quality.BAD)
_WAITING = 0x80320000
"""BadWaitingForInitialData: the server itself has not seen a value yet."""
_OVERFLOW = 0x0480
"""InfoType DataValue with the overflow bit (OPC UA part 4, 7.39): the queue lost values."""


def quality_of(status: ua.StatusCode | None) -> Quality:
    """Return the quality of a status code by its two severity bits; no code means good."""
    return Quality.GOOD if status is None else _SEVERITIES[status.value >> 30]


def overflowed(value: ua.DataValue) -> bool:
    """Return whether the server says that values before this one were lost from its queue."""
    status = value.StatusCode
    return status is not None and status.value & _OVERFLOW == _OVERFLOW


def is_waiting(value: ua.DataValue) -> bool:
    """Return whether the server still waits for a first value: then this is no reading."""
    return value.StatusCode is not None and value.StatusCode.value == _WAITING


def reading_of(tag: str, value: ua.DataValue) -> Reading:
    """Return a data value as a reading; without a source timestamp it has no time."""
    moment = value.SourceTimestamp
    if moment is not None and moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return Reading(
        tag=tag,
        value=value.Value.Value if value.Value is not None else None,
        time_us=microseconds(moment) if moment is not None else None,
        quality=quality_of(value.StatusCode),
    )
