"""Units of roles: converted where they fit, refused where they do not."""

import pytest

from plant.errors import ConfigurationError
from plant.measurement import TagRole
from plant.unit import factor_of, unit_of


@pytest.mark.parametrize(
    ("unit", "kwh"),
    [
        ("", 1.0),
        ("kWh", 1.0),
        ("kW.h", 1.0),
        ("Wh", 0.001),
        ("W.h", 0.001),
        ("MWh", 1000.0),
        ("J", 1 / 3_600_000),
        ("kJ", 1 / 3600),
        ("MJ", 1 / 3.6),
    ],
)
def test_energy_is_converted_to_kilowatt_hours(unit: str, kwh: float) -> None:
    assert factor_of(TagRole.ENERGY, unit) == pytest.approx(kwh)
    assert factor_of(TagRole.ENERGY_INCREMENT, unit) == pytest.approx(kwh)
    assert unit_of(TagRole.ENERGY, unit) == "kWh"


@pytest.mark.parametrize("unit", ["kW", "kg", "Cel", "kWhh", "parts", "%", "kWh/h", "1/0"])
def test_what_is_no_energy_is_refused(unit: str) -> None:
    with pytest.raises(ConfigurationError, match="is no unit of one"):
        factor_of(TagRole.ENERGY, unit)


@pytest.mark.parametrize("unit", ["", "1", "pcs", "{parts}", "Cái"])
def test_parts_have_no_unit(unit: str) -> None:
    assert factor_of(TagRole.GOOD_COUNT, unit) == 1
    assert unit_of(TagRole.GOOD_COUNT, unit) == ""


@pytest.mark.parametrize("unit", ["kg", "m", "kWh", "T3"])
def test_parts_in_another_unit_are_refused(unit: str) -> None:
    with pytest.raises(ConfigurationError, match="no unit of parts"):
        factor_of(TagRole.SCRAP_INCREMENT, unit)


def test_a_tag_without_a_role_keeps_its_unit() -> None:
    assert (factor_of(TagRole.NONE, "Cel"), unit_of(TagRole.NONE, "Cel")) == (1, "Cel")
