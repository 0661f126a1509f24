"""The description of a pilot enterprise: places, calendars, products, orders, reasons.

An administrator writes it once as YAML (`nhipmay migrate --plant FILE` loads it); the
simulators and the replay maps carry one too. Tags are not here: they come from the edges.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, Field, field_validator, model_validator

from plant.calendar import Break, ShiftPattern, expand_shifts, overlapping
from plant.errors import ConfigurationError
from plant.kpi import OeePolicy
from plant.place import Level, Place, item_code
from plant.settings import Code, StrictModel
from plant.state import StopKind


def _item_code(value: str) -> str:
    try:
        return item_code(value)
    except ConfigurationError as exc:
        raise ValueError(str(exc)) from exc


ItemCode = Annotated[str, AfterValidator(_item_code)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Named(StrictModel):
    """A thing with a code and a name in Vietnamese; the English name falls back to it."""

    code: Code
    name_vi: Annotated[str, Field(min_length=1)]
    name_en: str = ""

    @property
    def english(self) -> str:
        """The English name, or the Vietnamese one where none is given."""
        return self.name_en or self.name_vi


class WorkUnit(Named):
    """A machine."""

    state_map: dict[str, str] = {}
    """Vendor state names to PackML names, for machines that do not speak PackML."""
    planned_run_time_s: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] | None = None
    """Planned run time per item, for a machine that does not tell its product."""
    in_service_from: date | None = None
    """First day on which it counts, however silent; left out, since its line has figures."""
    in_service_until: date | None = None
    """First day on which it no longer counts; left out, it counts for good."""

    @model_validator(mode="after")
    def _serves_some_time(self) -> Self:
        begins, ends = self.in_service_from, self.in_service_until
        if begins is not None and ends is not None and ends <= begins:
            raise ValueError("in_service_until must lie after in_service_from")
        return self


class WorkCenter(Named):
    """A production line, its machines in the order of the flow."""

    kind: Literal["serial", "parallel"] = "serial"
    bottleneck: Code | None = None
    """Code of the machine that paces a serial line; pinned, never guessed."""
    work_units: Annotated[list[WorkUnit], Field(min_length=1)]

    @model_validator(mode="after")
    def _bottleneck_is_a_member(self) -> Self:
        codes = [unit.code for unit in self.work_units]
        if self.bottleneck is not None and self.bottleneck not in codes:
            raise ValueError(f"bottleneck '{self.bottleneck}' is none of {', '.join(codes)}")
        return self


class Area(Named):
    """A part of a site, such as a workshop."""

    work_centers: Annotated[list[WorkCenter], Field(min_length=1)]


class BreakSettings(StrictModel):
    """A planned break in local time."""

    name: str
    start: time
    end: time


class ShiftSettings(StrictModel):
    """A recurring shift in the site's local time."""

    name: str
    start: time
    end: time
    weekdays: Annotated[list[Weekday], Field(min_length=1)] = list(WEEKDAYS)
    breaks: list[BreakSettings] = []
    valid_from: date = date(2000, 1, 1)
    valid_to: date = date(9999, 12, 31)

    def pattern(self) -> ShiftPattern:
        """Return the shift as the calendar computes with it."""
        return ShiftPattern(
            name=self.name,
            start=self.start,
            end=self.end,
            weekdays=frozenset(WEEKDAYS.index(day) for day in self.weekdays),
            breaks=tuple(Break(pause.name, pause.start, pause.end) for pause in self.breaks),
            valid_from=self.valid_from,
            valid_to=self.valid_to,
        )


class PolicySettings(StrictModel):
    """The choices that OEE depends on; see `plant.kpi.OeePolicy`."""

    version: int = 1
    minor_stop_threshold_s: Annotated[float, Field(ge=0)] = 300.0
    minor_stops_in: Literal["availability", "effectiveness"] = "availability"
    breaks_in: Literal["planned_downtime", "busy_time"] = "planned_downtime"
    setup_in: Literal["availability", "planned_downtime"] = "availability"
    failure_states: Annotated[list[StopKind], Field(min_length=1)] = [StopKind.BREAKDOWN]
    failure_at_least_s: Annotated[float, Field(ge=0)] = 0.0
    failure_merge_s: Annotated[float, Field(ge=0)] = 0.0
    mtbf_per: Literal["failure", "failure_plus_1"] = "failure"
    order_from: Literal["machine", "mes"] = "machine"
    minor_stop_thresholds_s: dict[str, Annotated[float, Field(ge=0)]] = {}
    """Of machines that have one of their own, by `area/line/machine`."""

    def policy(self) -> OeePolicy:
        """Return the policy as analytics uses it."""
        return OeePolicy(
            self.version,
            self.minor_stop_threshold_s,
            self.minor_stops_in,
            self.breaks_in,
            self.setup_in,
            tuple(str(kind) for kind in self.failure_states),
            self.failure_at_least_s,
            self.failure_merge_s,
            self.mtbf_per,
            self.order_from,
            self.minor_stop_thresholds_s,
        )


class Site(Named):
    """A factory site with its time zone and shift calendar."""

    time_zone: str = "Asia/Ho_Chi_Minh"
    """IANA name."""
    edges: list[Code] = []
    """Codes of the edge agents that may report for this site."""
    shifts: list[ShiftSettings] = []
    policy: PolicySettings = PolicySettings()
    areas: Annotated[list[Area], Field(min_length=1)]

    @field_validator("edges")
    @classmethod
    def _edges_are_not_the_mes(cls, value: list[str]) -> list[str]:
        if "mes" in value:
            raise ValueError("no edge may be called 'mes': its topics are those of an MES")
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as exc:
            raise ValueError(f"{value!r} is no IANA time zone such as Asia/Ho_Chi_Minh") from exc
        return value

    @model_validator(mode="after")
    def _thresholds_are_of_machines(self) -> Self:
        known = {
            f"{area.code}/{line.code}/{unit.code}"
            for area in self.areas
            for line in area.work_centers
            for unit in line.work_units
        }
        unknown = sorted(self.policy.minor_stop_thresholds_s.keys() - known)
        if unknown:
            raise ValueError(
                f"policy: minor_stop_thresholds_s names {', '.join(unknown)}; machines here are"
                f" {', '.join(sorted(known))}"
            )
        return self

    @model_validator(mode="after")
    def _shifts_do_not_overlap(self) -> Self:
        for first in {shift.valid_from for shift in self.shifts}:
            start = datetime.combine(first, time(), UTC)
            shifts = expand_shifts(
                (shift.pattern() for shift in self.shifts),
                ZoneInfo(self.time_zone),
                start,
                start + timedelta(days=15),
            )
            for one, other in overlapping(shifts):
                raise ValueError(
                    f"shift '{one.name}' of {one.business_date} overlaps shift '{other.name}'"
                )
        return self


class PlannedRunTime(StrictModel):
    """Planned run time per item (PRI, "ideal cycle time") of a product on a machine."""

    work_unit: str
    """Path below the enterprise: `site/area/line/machine`."""
    seconds: Annotated[float, Field(gt=0)]
    valid_from: AwareDatetime = LONG_AGO
    valid_to: AwareDatetime | None = None
    source: str = ""
    """Where the figure comes from (drawing, trial run, supplier)."""


class Item(StrictModel):
    """A thing whose code is somebody else's; the English name falls back to the Vietnamese one."""

    code: ItemCode
    name_vi: Annotated[str, Field(min_length=1)]
    name_en: str = ""

    @property
    def english(self) -> str:
        """The English name, or the Vietnamese one where none is given."""
        return self.name_en or self.name_vi


class Product(Item):
    """A product; its code is what the machines' `product` tag says."""

    planned_run_times: list[PlannedRunTime] = []


class ProductionOrder(StrictModel):
    """A production order (lệnh sản xuất)."""

    number: Annotated[str, Field(min_length=1)]
    product: ItemCode
    work_center: str
    """Path below the enterprise: `site/area/line`."""
    planned_quantity: Annotated[float, Field(gt=0)]
    planned_start: AwareDatetime | None = None
    planned_end: AwareDatetime | None = None


class StopReason(Item):
    """A reason for a stop; its code is what machines or operators give."""

    parent: ItemCode | None = None


class PlantDescription(StrictModel):
    """One enterprise: the whole content of a plant file."""

    enterprise: Named
    sites: Annotated[list[Site], Field(min_length=1)]
    products: list[Product] = []
    orders: list[ProductionOrder] = []
    stop_reasons: list[StopReason] = []

    @model_validator(mode="after")
    def _references_resolve(self) -> Self:
        paths = [place.path for place in self.places()]
        known = set(paths)
        if len(known) != len(paths):
            twice = sorted({path for path in paths if paths.count(path) > 1})
            raise ValueError(f"places named twice: {', '.join(twice)}")
        codes = {product.code for product in self.products}
        wanted = [
            (f"product {product.code}", self.path(pri.work_unit))
            for product in self.products
            for pri in product.planned_run_times
        ] + [(f"order {order.number}", self.path(order.work_center)) for order in self.orders]
        problems = [f"{what}: no place {path}" for what, path in wanted if path not in known]
        problems += [
            f"order {order.number}: no product {order.product}"
            for order in self.orders
            if order.product not in codes
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def path(self, below_enterprise: str) -> str:
        """Return the full path of a place given below the enterprise."""
        return f"{self.enterprise.code}/{below_enterprise}"

    def places(self) -> list[Place]:
        """Return every place, parents before children, machines in the order of the flow."""
        found = [_place(self.enterprise.code, Level.ENTERPRISE, self.enterprise)]
        for site in self.sites:
            site_path = self.path(site.code)
            found.append(_place(site_path, Level.SITE, site))
            for area in site.areas:
                area_path = f"{site_path}/{area.code}"
                found.append(_place(area_path, Level.AREA, area))
                for center in area.work_centers:
                    center_path = f"{area_path}/{center.code}"
                    found.append(_place(center_path, Level.WORK_CENTER, center))
                    found.extend(
                        _place(f"{center_path}/{unit.code}", Level.WORK_UNIT, unit)
                        for unit in center.work_units
                    )
        return found


def _place(path: str, level: Level, named: Named) -> Place:
    return Place(path, level, named.name_vi, named.english)
