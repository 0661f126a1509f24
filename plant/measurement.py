"""What is measured (`Tag`) and one measured value (`Measurement`)."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

Value = float | int | str | bool | None


class Quality(IntEnum):
    """How far a value may be trusted; the two high bits of an OPC UA status code say the same."""

    GOOD = 0
    """The source vouches for the value."""
    UNCERTAIN = 1
    """The value is there but the source does not vouch for it."""
    BAD = 2
    """The source says that the value must not be used; it may be absent."""


class ValueType(StrEnum):
    """Which of the two measurement tables a tag's values go to."""

    NUMBER = "number"
    """Stored as a double; whole numbers are exact up to 2**53."""
    TEXT = "text"
    """Stored as text: states, orders, products, reasons."""


class TagRole(StrEnum):
    """What a tag means to the OEE of its work unit; most tags mean nothing to it."""

    NONE = "none"
    """An ordinary process value."""
    STATE = "state"
    """The machine's state by its PackML or vendor name."""
    MODE = "mode"
    """The machine's mode by name (production, setup, manual); it outranks the state."""
    ORDER = "order"
    """The number of the production order being executed; empty when there is none."""
    PRODUCT = "product"
    """The code of the product being made."""
    STOP_REASON = "stop_reason"
    """The code of the reason for the present stop as the machine reports it; empty when none."""
    TOTAL_COUNT = "total_count"
    """Cumulative counter of produced parts, good or not."""
    GOOD_COUNT = "good_count"
    """Cumulative counter of parts good at first pass."""
    SCRAP_COUNT = "scrap_count"
    """Cumulative counter of scrapped parts."""
    REWORK_COUNT = "rework_count"
    """Cumulative counter of parts that failed but can be recovered."""
    ENERGY = "energy"
    """Cumulative electrical energy in kWh."""
    TOTAL_INCREMENT = "total_increment"
    """Parts produced since the message before; each message adds."""
    GOOD_INCREMENT = "good_increment"
    """Parts good at first pass since the message before."""
    SCRAP_INCREMENT = "scrap_increment"
    """Parts scrapped since the message before."""
    REWORK_INCREMENT = "rework_increment"
    """Parts since the message before that failed but can be recovered."""
    ENERGY_INCREMENT = "energy_increment"
    """Electrical energy in kWh since the message before."""

    @property
    def counts(self) -> "TagRole":
        """The role of the cumulative counter of the same thing; other roles are themselves."""
        return _COUNTED.get(self, self)

    @property
    def is_increment(self) -> bool:
        """Whether each reading adds to the count instead of being the count."""
        return self in _COUNTED


_COUNTED = {
    TagRole.TOTAL_INCREMENT: TagRole.TOTAL_COUNT,
    TagRole.GOOD_INCREMENT: TagRole.GOOD_COUNT,
    TagRole.SCRAP_INCREMENT: TagRole.SCRAP_COUNT,
    TagRole.REWORK_INCREMENT: TagRole.REWORK_COUNT,
    TagRole.ENERGY_INCREMENT: TagRole.ENERGY,
}
COUNT_ROLES = frozenset({*_COUNTED, *_COUNTED.values()})
TEXT_ROLES = frozenset(
    {TagRole.STATE, TagRole.MODE, TagRole.ORDER, TagRole.PRODUCT, TagRole.STOP_REASON}
)


@dataclass(frozen=True, slots=True)
class Tag:
    """The definition of a measured thing: where it is, its unit and its meaning.

    `name` is unique within the site and starts with the work unit's code, as in
    `cnc-1/spindle_temperature`. `low` and `high` bound what is physically possible: values
    outside are rejected, not clipped. `counter_modulus` is the value at which a cumulative
    counter wraps to zero (65536 for 16 bits); `max_rate_per_s` its fastest plausible growth.
    `max_silence_s` is how long the last value may stand before it counts as unknown.
    """

    name: str
    work_unit: str
    """Path of the work unit, five codes joined by `/`."""
    value_type: ValueType = ValueType.NUMBER
    role: TagRole = TagRole.NONE
    unit: str = ""
    """Unit of measure as a UCUM code or plain symbol; empty for a bare number or text."""
    description: str = ""
    low: float | None = None
    high: float | None = None
    counter_modulus: float | None = None
    max_rate_per_s: float | None = None
    max_silence_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value of one tag: what, how much, when at the source, how good. All four are required."""

    tag: str
    value: Value
    source_time: datetime
    quality: Quality
