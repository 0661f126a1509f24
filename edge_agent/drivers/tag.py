"""What the settings of every driver's tags have in common."""

from importlib import import_module
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from edge_agent.drivers.written import Decimal
from edge_agent.priority import Priority
from plant.errors import ConfigurationError
from plant.measurement import TEXT_ROLES, TagRole, ValueType
from plant.place import checked_code
from plant.settings import StrictModel
from plant.unit import factor_of


def machine_path(text: str) -> str:
    """Return the path of a machine below its site; raise ConfigurationError for what is none."""
    codes = text.split("/")
    if len(codes) != 3:
        raise ConfigurationError(f"{text!r} is not area/line/machine (three codes joined by '/')")
    for code in codes:
        checked_code(code)
    return text


class TagSettings(StrictModel):
    """One tag: what it is called, where it belongs, and how its readings become measurements."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    """Name of the tag, unique within the site, starting with the machine's code."""
    work_unit: str
    """Path of the machine below the site: `area/line/machine`."""
    role: TagRole = TagRole.NONE
    """What the tag means to the OEE of its machine; `none` for ordinary process values."""
    value_type: ValueType | None = None
    """`number` or `text`; left out, it follows the role."""
    unit: str = ""
    """Unit of measure as a UCUM code, such as `Cel` or `kW`; with a role it is converted to that of
    the role (energy in kWh, parts without a unit), and refused when it does not fit."""
    description: str = ""
    """What the tag is, in words."""
    low: float | None = None
    """Lowest physically possible value; the platform rejects what lies below."""
    high: float | None = None
    """Highest physically possible value; the platform rejects what lies above."""
    counter_modulus: Annotated[float, Field(gt=0)] | None = None
    """Value at which a cumulative counter wraps to zero, such as 65536."""
    max_rate_per_s: Annotated[float, Field(gt=0)] | None = None
    """Fastest plausible growth of a cumulative counter, per second."""
    max_silence_s: Annotated[float, Field(gt=0)] = 60.0
    """Seconds for which the last value may stand before it counts as unknown."""
    deadband: Annotated[float, Field(ge=0)] | None = None
    """Report only changes larger than this; left out, every new reading is reported."""
    max_interval_s: Annotated[float, Field(gt=0)] | None = None
    """With a deadband: report at least this often; left out, half of `max_silence_s`."""
    scale: float = 1.0
    """A reading is multiplied by this."""
    offset: float = 0.0
    """Added to a reading after scaling."""
    priority: Literal["low", "normal", "high"] | None = None
    """What a full outbox gives up first; left out, `high` with a role and `normal` without."""
    states: dict[int, str] = {}
    """Names of the codes that a text tag's source gives, such as `6: EXECUTE`."""

    @field_validator("work_unit")
    @classmethod
    def _work_unit_is_a_path(cls, value: str) -> str:
        try:
            machine_path(value)
        except ConfigurationError as exc:
            raise ValueError(str(exc)) from exc
        return value

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low {self.low:g} is above high {self.high:g}")
        if self.max_interval_s is not None and self.deadband is None:
            raise ValueError("max_interval_s needs a deadband")
        if self.role.is_increment and (self.deadband, self.counter_modulus) != (None, None):
            raise ValueError("each increment counts: no deadband, no counter_modulus")
        if self.kind is ValueType.TEXT:
            self._refuse_numbers_only()
        elif self.states:
            raise ValueError("states belong to text tags: give the tag a text role or value_type")
        if self.role in TEXT_ROLES and self.kind is ValueType.NUMBER:
            raise ValueError(f"a tag with the role '{self.role}' is text")
        return self

    def _refuse_numbers_only(self) -> None:
        given = {"deadband": self.deadband, "counter_modulus": self.counter_modulus}
        wrong = [name for name, value in given.items() if value is not None]
        if self.scale != 1.0 or self.offset != 0.0:
            wrong.append("scale/offset")
        if wrong:
            raise ValueError(f"a text tag has no {', '.join(wrong)}")

    @model_validator(mode="after")
    def _unit_fits_the_role(self) -> Self:
        try:
            factor_of(self.role, self.unit)
        except ConfigurationError as exc:
            raise ValueError(str(exc)) from exc
        return self

    @property
    def factor(self) -> float:
        """By what a scaled reading is multiplied to be in the unit of the tag's role."""
        return factor_of(self.role, self.unit)

    @property
    def kind(self) -> ValueType:
        """Whether the tag's measurements are numbers or text."""
        if self.value_type is not None:
            return self.value_type
        return ValueType.TEXT if self.role in TEXT_ROLES else ValueType.NUMBER

    @property
    def rank(self) -> Priority:
        """How much its measurements matter when the outbox is full."""
        if self.priority is not None:
            return Priority[self.priority.upper()]
        return Priority.NORMAL if self.role is TagRole.NONE else Priority.HIGH


class WrittenTagSettings(TagSettings):
    """A tag of a source that writes its numbers as text."""

    words: dict[str, float] = {}
    """Numbers that words stand for, such as `RUN: 1`; `on`, `off`, `true`, `false`, `yes` and `no`
    are known."""
    decimal: Decimal = "auto"
    """`point` or `comma`: which of them begins the decimals; `auto` tells by how a number is
    written, and leaves `1,234` as text, which may be either."""

    @field_validator("words", mode="before")
    @classmethod
    def _words_are_text(cls, value: object) -> object:
        # YAML 1.1 reads ON and OFF without quotes as true and false.
        names = {True: "on", False: "off"}
        if not isinstance(value, dict):
            return value
        return {names[key] if isinstance(key, bool) else key: one for key, one in value.items()}


class SampledTagSettings(TagSettings):
    """A tag of a source that shows present values: a value seen twice is not a second message."""

    @field_validator("role")
    @classmethod
    def _is_no_increment(cls, role: TagRole) -> TagRole:
        if role.is_increment:
            raise ValueError(
                f"'{role}' needs a source of messages (mqtt, mtconnect, csv): here a value that is"
                f" read twice would add twice; use '{role.counts}' with a cumulative counter"
            )
        return role


DRIVERS: Final = {
    "opcua": "OpcUaSettings",
    "modbus": "ModbusSettings",
    "mtconnect": "MtConnectSettings",
    "mqtt": "MqttSettings",
    "s7": "S7Settings",
    "slmp": "SlmpSettings",
    "csv": "CsvSettings",
}
"""What the settings of each driver's sources are called, in its folder."""


class SourceSettings(StrictModel):
    """What the settings of every driver have in common."""

    enabled: bool = True
    """Whether the source is read at all."""
    defaults: dict[str, Any] = {}
    """Settings of all tags of this source that do not say otherwise, such as `work_unit`."""

    @classmethod
    def chosen_by(cls, given: object) -> type[StrictModel]:
        """Return the settings of the driver that is named; these where none is."""
        name = given.get("driver") if isinstance(given, dict) else None
        if cls is not SourceSettings or not isinstance(name, str) or name not in DRIVERS:
            return cls
        module = import_module(f"edge_agent.drivers.{name}.settings")
        chosen: type[StrictModel] = getattr(module, DRIVERS[name])
        return chosen

    @model_validator(mode="before")
    @classmethod
    def _defaults_go_to_the_tags(cls, data: object) -> object:
        if not isinstance(data, dict) or not isinstance(data.get("defaults"), dict):
            return data
        tags = data.get("tags")
        if not isinstance(tags, list | tuple):
            return data
        defaults = data["defaults"]
        return {
            **data,
            "tags": [{**defaults, **tag} if isinstance(tag, dict) else tag for tag in tags],
        }
