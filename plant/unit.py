"""Units of measure: what each role is measured in, and how a tag's own unit becomes that."""

from functools import cache
from typing import TYPE_CHECKING, Any

from plant.errors import ConfigurationError
from plant.measurement import COUNT_ROLES, TagRole

if TYPE_CHECKING:
    import pint

_ENERGY = frozenset({TagRole.ENERGY, TagRole.ENERGY_INCREMENT})
_PIECES = frozenset(
    {"", "1", "pcs", "pc", "piece", "pieces", "part", "parts", "sp", "cái", "chiếc"}
)
"""What a count of parts may call itself, beside UCUM annotations such as `{parts}`."""

_KILOWATT_HOURS = {
    "kWh": 1.0,
    "Wh": 1e-3,
    "MWh": 1e3,
    "GWh": 1e6,
    "J": 1 / 3.6e6,
    "kJ": 1 / 3600,
    "MJ": 1 / 3.6,
    "GJ": 1e3 / 3.6,
}
"""What meters show; any other unit of energy is looked up where the library of units is there."""
_NO_ENERGY = (
    "the role 'energy' is an energy, and {!r} is no unit of one: use kWh, Wh, MWh, J, kJ or MJ; "
    "power in kW has no role, its meter says `reading: power`"
)


def unit_of(role: TagRole, unit: str) -> str:
    """Return the unit that measurements of a role are in; of a tag without a role its own."""
    return "kWh" if role in _ENERGY else "" if role in COUNT_ROLES else unit


def factor_of(role: TagRole, unit: str) -> float:
    """Return by what a value in a unit is multiplied to be in the unit of its role.

    Energy without a unit is in kilowatt-hours. Raises ConfigurationError for a unit that does not
    fit the role: energy in kilowatts, parts in kilograms.
    """
    if role in _ENERGY:
        return _kilowatt_hours(unit) if unit.strip() else 1.0
    if role in COUNT_ROLES:
        bare = unit.strip()
        if bare.lower() in _PIECES or (bare.startswith("{") and bare.endswith("}")):
            return 1.0
        raise ConfigurationError(
            f"the role '{role}' counts parts, and {unit!r} is no unit of parts: leave it out, or "
            "scale what the machine shows to parts"
        )
    return 1.0


@cache
def _registry() -> "pint.UnitRegistry[Any]":
    # Late, because it takes memory that an edge whose meters say kWh does not need.
    import pint  # noqa: PLC0415

    return pint.UnitRegistry()


@cache
def _kilowatt_hours(unit: str) -> float:
    known = _KILOWATT_HOURS.get(unit.strip().replace("W.h", "Wh"))
    if known is not None:
        return known
    try:
        registry = _registry()
        from pint import PintError  # noqa: PLC0415 - as above
    except ImportError as exc:
        raise ConfigurationError(_NO_ENERGY.format(unit)) from exc

    # UCUM multiplies with a point: `kW.h`.
    written = unit.strip().replace("kW.h", "kWh").replace("W.h", "Wh").replace(".", "*")
    try:
        return float(registry.Quantity(1.0, written).to("kilowatt_hour").magnitude)
    except (PintError, ArithmeticError, AttributeError, ValueError, TypeError) as exc:
        raise ConfigurationError(_NO_ENERGY.format(unit)) from exc
