"""The probe of an MTConnect agent: its data items, with what they show now."""

from typing import Any, Final
from urllib.parse import quote

from edge_agent.drivers.mtconnect.document import UNAVAILABLE, DataItem, Document, parse
from edge_agent.drivers.mtconnect.http import HttpAgent
from edge_agent.drivers.mtconnect.settings import AXES, MtConnectSettings
from edge_agent.drivers.written import number_written
from edge_agent.inspection.browse.found import Browsed, Place
from plant.errors import DataError, SourceUnavailableError

_UNITS: Final = {
    "CELSIUS": "Cel", "PERCENT": "%", "MILLIMETER": "mm", "MILLIMETER/SECOND": "mm/s",
    "REVOLUTION/MINUTE": "rpm", "REVOLUTION": "{rev}", "DEGREE": "deg", "SECOND": "s",
    "AMPERE": "A", "VOLT": "V", "WATT": "W", "WATT_SECOND": "J", "HERTZ": "Hz", "PASCAL": "Pa",
    "NEWTON": "N", "NEWTON_METER": "N.m", "LITER": "L", "LITER/SECOND": "L/s", "JOULE": "J",
    "KILOGRAM": "kg", "COUNT": "", "MILLIMETER_3D": "mm", "DEGREE_3D": "deg",
}  # fmt: skip
"""UCUM codes of the standard's units; others are kept as they are."""


async def browse(settings: MtConnectSettings, connection: dict[str, Any]) -> Browsed:
    """Return the data items of an agent, or of the device that the settings name.

    Raises SourceUnavailableError with the reason.
    """
    agent = HttpAgent(settings.url, settings.timeout_s, settings.ca_file)
    device = f"/{quote(settings.device)}" if settings.device else ""
    try:
        probe = await _asked(agent, f"{device}/probe")
        current = await _asked(agent, f"{device}/current")
    except TimeoutError as exc:
        reason = f"no answer within {settings.timeout_s:g} s"
        raise SourceUnavailableError("browse", [f"{settings.url}: {reason}"]) from exc
    except OSError as exc:
        reason = f"nothing answers ({exc.strerror or exc})"
        raise SourceUnavailableError("browse", [f"{settings.url}: {reason}"]) from exc
    except DataError as exc:
        raise SourceUnavailableError("browse", [f"{settings.url}: {exc.detail}"]) from exc
    found = Browsed("mtconnect", connection)
    shown = {seen.data_item: seen for seen in current.observations}
    for item in probe.data_items:
        seen = shown.get(item.id)
        text = "" if seen is None else seen.level or seen.text
        entries = {} if seen is None else seen.entries
        found.places += _places(item, text, list(entries))
    return found


def _places(item: DataItem, text: str, keys: list[str]) -> list[Place]:
    path = "/".join(part for part in (item.path, item.name or item.id) if part)
    tag: dict[str, Any] = {"data_item": item.id, "description": item.type}
    if unit := _UNITS.get(item.units, item.units):
        tag["unit"] = unit
    if item.category != "CONDITION" and keys:
        return [Place(f"{path}/{key.replace('.', '/')}", {**tag, "path": key}) for key in keys]
    if item.units.endswith("_3D"):
        words = dict(zip(AXES, text.split(), strict=False)) if text != UNAVAILABLE else {}
        return [
            Place(f"{path}/{axis}", {**tag, "path": axis}, words.get(axis, "")) for axis in AXES
        ]
    if not _is_number(item, text):
        tag["value_type"] = "text"
    return [Place(path, tag, text[:60])]


def _is_number(item: DataItem, text: str) -> bool:
    """A sample is a number; an event is one where it shows one, or has a unit."""
    if item.category != "EVENT":
        return item.category == "SAMPLE"
    return bool(item.units) or isinstance(number_written(text, {}, "point"), int | float)


async def _asked(agent: HttpAgent, target: str) -> Document:
    document = parse(await agent.get(target))
    if document.errors:
        error = document.errors[0]
        raise DataError("refused", f"the agent answers {error.code}: {error.text}")
    return document
