"""A pilot: one simulated enterprise, read from the three files of its folder.

`plant.yaml` describes it as an administrator would, `edge.yaml` is what a technician gives the
edge agent, `floor.yaml` says how the machines behave. The servers offer exactly the tags of
`edge.yaml`, at its addresses, in its types and codes: the two sides cannot drift apart.
"""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from plant.description import PlantDescription, Site
from plant.errors import ConfigurationError
from plant.measurement import TEXT_ROLES, TagRole
from plant.settings import explain, load_settings, read_mapping
from simulators.machine.behaviour import FloorSettings


class _ReadOnly(BaseModel):
    """The part of the edge's settings that a simulator needs; the rest is the edge's business."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class ServedTag(_ReadOnly):
    """One tag as `edge.yaml` asks for it."""

    name: str
    work_unit: str
    """Path below the site."""
    address: str
    role: TagRole = TagRole.NONE
    type: str = ""
    """Modbus only: how the registers are to be read."""
    states: dict[int, str] = {}
    scale: float = 1.0
    offset: float = 0.0
    counter_modulus: int | None = None
    deadband: float | None = None
    max_interval_s: float | None = None
    max_silence_s: float = 60.0

    @property
    def machine(self) -> str:
        """The code of the work unit."""
        return self.work_unit.rpartition("/")[2]

    @property
    def key(self) -> str:
        """What the machine calls the value: the role, or the last part of the name."""
        return self.name.rpartition("/")[2] if self.role is TagRole.NONE else self.role.value

    @property
    def is_text(self) -> bool:
        """Whether the value is text once its code is translated."""
        return self.role in TEXT_ROLES


class _PlcClock(_ReadOnly):
    address: int
    type: Literal["uint64"] = "uint64"
    unit: Literal["ms"] = "ms"


class _Source(_ReadOnly):
    driver: Literal["opcua", "modbus"]
    unit_id: int = 1
    clock: _PlcClock | None = None
    word_order: Literal["big"] = "big"
    tags: list[ServedTag]

    @model_validator(mode="after")
    def _plc_has_a_clock(self) -> Self:
        if self.driver == "modbus" and self.clock is None:
            raise ValueError("a simulated Modbus source needs a `clock` block")
        return self


class _EdgeName(_ReadOnly):
    enterprise: str
    site: str


class _EdgeFile(_ReadOnly):
    edge: _EdgeName
    sources: dict[str, _Source]


@dataclass(frozen=True, slots=True)
class Pilot:
    """A pilot with its files read and found to agree."""

    plant: PlantDescription
    site: Site
    floor: FloorSettings
    driver: Literal["opcua", "modbus"]
    tags: tuple[ServedTag, ...]
    unit_id: int
    clock_address: int | None
    """Modbus: first of the four registers that hold the PLC's clock."""

    @property
    def site_path(self) -> str:
        """The path of the site, `enterprise/site`."""
        return f"{self.plant.enterprise.code}/{self.site.code}"

    def unit_path(self, machine: str) -> str:
        """Return the full path of a machine."""
        return f"{self.plant.enterprise.code}/{self.floor.work_center}/{machine}"

    def tag_path(self, tag: ServedTag) -> str:
        """Return the name of a tag as the API spells it, `enterprise/site/name`."""
        return f"{self.site_path}/{tag.name}"


def pilot_folder(pilot: str) -> Path:
    """Return the folder of a pilot given by name or as a folder; raise ConfigurationError."""
    shipped = Path(str(files("simulators"))) / "pilots"
    for folder in (shipped / pilot, Path(pilot)):
        if (folder / "floor.yaml").is_file():
            return folder
    names = ", ".join(sorted(entry.name for entry in shipped.iterdir() if entry.is_dir()))
    raise ConfigurationError(
        f"there is no pilot {pilot!r}: give one of {names}, or a folder with plant.yaml, "
        "edge.yaml and floor.yaml"
    )


def load_pilot(pilot: str) -> Pilot:
    """Return a pilot by name or folder.

    Raises ConfigurationError for files that are missing, malformed or contradict one another.
    """
    folder = pilot_folder(pilot)
    plant = load_settings(PlantDescription, folder / "plant.yaml")
    floor = load_settings(FloorSettings, folder / "floor.yaml")
    edge = _load_edge(folder / "edge.yaml")
    source = next(iter(edge.sources.values()))
    loaded = Pilot(
        plant=plant,
        site=_site_of(plant, edge, folder),
        floor=floor,
        driver=source.driver,
        tags=tuple(source.tags),
        unit_id=source.unit_id,
        clock_address=source.clock.address if source.clock else None,
    )
    problems = list(_contradictions(loaded, edge))
    if problems:
        raise ConfigurationError(f"{folder}: " + "; ".join(problems))
    return loaded


def _load_edge(file: Path) -> _EdgeFile:
    data: dict[str, Any] = read_mapping(file)
    try:
        return _EdgeFile(**data)
    except ValidationError as exc:
        raise ConfigurationError(f"{file}:\n{explain(exc, _EdgeFile)}") from exc


def _site_of(plant: PlantDescription, edge: _EdgeFile, folder: Path) -> Site:
    for site in plant.sites:
        if site.code == edge.edge.site and plant.enterprise.code == edge.edge.enterprise:
            return site
    raise ConfigurationError(
        f"{folder}: edge.yaml is about {edge.edge.enterprise}/{edge.edge.site}, "
        "which plant.yaml does not describe"
    )


def _contradictions(pilot: Pilot, edge: _EdgeFile) -> list[str]:
    problems = []
    if len(edge.sources) != 1:
        problems.append("edge.yaml must have exactly one source to be simulated")
    if not pilot.plant.orders:
        problems.append("plant.yaml has no orders to make")
    machines = {machine.code: machine for machine in pilot.floor.machines}
    places = {place.path for place in pilot.plant.places()}
    problems += [
        f"floor.yaml has machine {code}, plant.yaml has no {pilot.unit_path(code)}"
        for code in machines
        if pilot.unit_path(code) not in places
    ]
    for tag in pilot.tags:
        machine = machines.get(tag.machine)
        if machine is None:
            problems.append(f"tag {tag.name}: floor.yaml has no machine {tag.machine}")
        elif tag.role is TagRole.TOTAL_COUNT:
            problems.append(f"tag {tag.name}: a total_count cannot be simulated; count good parts")
        elif tag.role is TagRole.NONE and tag.key not in machine.analogs:
            problems.append(f"tag {tag.name}: machine {machine.code} has no value {tag.key}")
    reasons = {reason.code for reason in pilot.plant.stop_reasons}
    problems += [
        f"stop reason {reason} is not in plant.yaml"
        for reason in sorted(_reasons(pilot.floor) - reasons)
    ]
    products = {order.product for order in pilot.plant.orders}
    timed = {
        (product.code, pilot.plant.path(pri.work_unit))
        for product in pilot.plant.products
        for pri in product.planned_run_times
    }
    problems += [
        f"product {product} has no planned run time on {code}"
        for product in sorted(products)
        for code in machines
        if (product, pilot.unit_path(code)) not in timed
    ]
    return problems


def _reasons(floor: FloorSettings) -> set[str]:
    found = {floor.starved_reason, floor.blocked_reason}
    for machine in floor.machines:
        found.update(machine.minor_stops.reasons, machine.breakdowns.reasons)
        if machine.tool:
            found.add(machine.tool.reason)
    return found
