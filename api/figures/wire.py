"""The JSON of figures formed on request: any place, any window."""

from datetime import date
from typing import Literal

from pydantic import Field

from api.http.wire import Listing, Time, Wire


class IndicatorOut(Wire):
    """One figure."""

    value: float | None
    unit: str = Field(description="`1` fraction, `h` hours, `1/h` per hour, `kWh`.")
    missing: str | None = Field(description="Why there is no value.")


class PolicyOut(Wire):
    """The choices that the figures of a site depend on."""

    version: int
    minor_stop_threshold_s: float
    minor_stops_in: str
    breaks_in: str
    setup_in: str
    failure_states: tuple[str, ...]
    failure_at_least_s: float
    failure_merge_s: float
    mtbf_per: str
    order_from: str
    minor_stop_thresholds_s: dict[str, float] = Field(
        description="Of machines that have one of their own, by `area/line/machine`."
    )


class GroupOut(Wire):
    """What a group is about; without `by` there is one group and all of it is null."""

    start: Time | None = Field(description="Start of the hour or shift.")
    shift: str | None
    business_date: date | None
    day: date | None
    product: str | None
    order: str | None
    lot: str | None


class KpiOut(Wire):
    """All figures of one place and group."""

    place: str
    group: GroupOut
    start: Time = Field(description="From when there is anything of the group.")
    end: Time = Field(description="Until when; before the window's end while it lasts.")
    figures: dict[str, IndicatorOut]
    coverage: float | None = Field(description="Known share of planned busy time.")
    availability_low: float | None
    availability_high: float | None
    run_time_coverage: float | None = Field(
        description="Share of the parts whose product has a planned run time."
    )
    faults: list[str] = Field(
        description="What a person should look at, with the marks of every hour within."
    )
    times_ms: dict[str, int]
    quantities: dict[str, float | None]
    failure_events: int = Field(description="FE by the policy: merged, of some length, of a kind.")
    policy_versions: list[int]
    formula_versions: list[str]
    as_of: Time
    final: bool


class KpiWindow(Wire):
    """The window that was served."""

    start: Time
    end: Time
    asked_start: Time
    asked_end: Time
    rounded: bool = Field(
        description="The asked window cut hours that are not counted by the minute yet: it was "
        "widened."
    )
    known_to_s: float | None = Field(
        description="How fine the counts are, where the window is finer than that: what was "
        "counted in a minute belongs to the window that holds its beginning."
    )
    policies: dict[str, PolicyOut] = Field(description="By site; see `policy_versions`.")


class KpiListing(Listing[KpiOut]):
    """Figures of a window."""

    meta: KpiWindow


class LossOut(Wire):
    """One bar of the waterfall."""

    name: str
    duration_ms: float
    share_of_pbt: float | None


class LossesOut(Wire):
    """Where the time of one place and group went: calendar time less all of them leaves 0."""

    place: str
    group: GroupOut
    start: Time
    end: Time
    calendar_ms: float | None
    pbt_ms: float | None
    losses: list[LossOut]
    rest_ms: float | None = Field(description="What the bars do not explain.")
    missing: str | None = Field(description="Why losses cannot be told.")
    faults: list[str] = Field(
        description="What a person should look at, with the marks of every hour within."
    )
    final: bool


class LossesListing(Listing[LossesOut]):
    """Losses of a window."""

    meta: KpiWindow


class RestatementOut(Wire):
    """A published final figure that changed afterwards."""

    place: str
    kind: Literal["hour", "shift"]
    start: Time
    figure: str
    old_value: float | None
    new_value: float | None
    cause: str = Field(
        description="`late_data`, `correction`, `master_data`, `calendar`, `policy`, `formula`, "
        "`recomputation`."
    )
    restated_at: Time


class FaultOut(Wire):
    """Something wrong in the set-up, and what mends it."""

    place: str
    fault: str
    detail: str
    count: int = Field(description="Hours, or slices of a product, that show it.")
    first: Time
    last: Time
    fix_vi: str
    fix_en: str


class CapabilityIndexOut(Wire):
    """An index with its confidence interval."""

    value: float
    low: float
    high: float


class CapabilityOut(Wire):
    """The capability of a measured characteristic."""

    tag: str
    count: int
    mean: float | None
    spread_within: float | None
    spread_overall: float | None
    indices: dict[str, CapabilityIndexOut]
    missing: dict[str, str]
