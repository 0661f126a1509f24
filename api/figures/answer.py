"""What the API says of each group of figures."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import date
from typing import Any

from api.figures.roll_up import KpiAnswer, KpiGroup
from api.figures.wire import (
    GroupOut,
    IndicatorOut,
    KpiOut,
    KpiWindow,
    LossesOut,
    LossOut,
    PolicyOut,
)
from api.tables.listing import flattened
from plant.calendar import Window
from plant.kpi import BaseSums

_TIMES = tuple(field.name for field in fields(BaseSums) if field.name.endswith("_ms"))
_WHOLE_TIMES = tuple(name for name in _TIMES if "pri" not in name)
_QUANTITIES = (
    "produced_quantity",
    "good_quantity",
    "scrap_quantity",
    "rework_quantity",
    "energy_kwh",
    "idle_energy_kwh",
    "pri_pq_ms",
    "pri_gq_ms",
    "inspected_parts",
    "good_at_first_parts",
    "rework_found_parts",
)


def kpi_out(place: str, by: str | None, group: KpiGroup) -> KpiOut:
    """Return every figure of a group, each with its value or the reason for none."""
    sums = group.sums
    return KpiOut(
        place=place,
        group=_group(by, group),
        start=group.start,
        end=group.end,
        figures={
            name: IndicatorOut.model_construct(
                value=figure.value,
                unit=str(figure.unit),
                missing=None if figure.missing is None else str(figure.missing),
            )
            for name, figure in group.indicators.items()
        },
        coverage=group.result.coverage,
        availability_low=group.result.availability_low,
        availability_high=group.result.availability_high,
        run_time_coverage=group.result.run_time_coverage,
        faults=list(group.result.faults),
        times_ms={name: getattr(sums, name) for name in _WHOLE_TIMES},
        quantities={name: getattr(sums, name) for name in _QUANTITIES},
        failure_events=group.failure_events,
        policy_versions=list(group.policy_versions),
        formula_versions=list(group.formula_versions),
        as_of=group.as_of,
        final=group.final,
    )


def losses_out(place: str, by: str | None, group: KpiGroup) -> LossesOut:
    """Return where the time of a group went, from calendar time to fully productive time."""
    found = group.waterfall
    common: dict[str, Any] = {
        "place": place,
        "group": _group(by, group),
        "start": group.start,
        "end": group.end,
        "faults": list(group.result.faults),
        "final": group.final,
    }
    if found is None:
        reason = next(iter(group.result.missing.values()), None)
        return LossesOut(
            **common,
            calendar_ms=None,
            pbt_ms=None,
            losses=[],
            rest_ms=None,
            missing=None if reason is None else str(reason),
        )
    bars = {
        "not_scheduled": found.not_scheduled_ms,
        "unscheduled_production": found.unscheduled_production_ms,
        "planned_downtime": found.planned_downtime_ms,
    } | {name.removesuffix("_ms"): value for name, value in asdict(found.losses).items()}
    planned = {"not_scheduled", "unscheduled_production", "planned_downtime"}
    return LossesOut(
        **common,
        calendar_ms=found.calendar_ms,
        pbt_ms=found.pbt_ms,
        losses=[
            LossOut(
                name=name,
                duration_ms=value,
                share_of_pbt=None if name in planned or found.pbt_ms == 0 else value / found.pbt_ms,
            )
            for name, value in bars.items()
        ],
        rest_ms=found.rest_ms,
        missing=None,
    )


def flat_kpi(row: KpiOut) -> dict[str, Any]:
    """Return a row whose figures are columns; why some have no value is in one of its own."""
    others = row.model_dump(exclude={"figures", "group"})
    return flattened(
        {"group": row.group.model_dump()}
        | {name: figure.value for name, figure in row.figures.items()}
        | {
            "missing": [
                f"{name}: {figure.missing}"
                for name, figure in row.figures.items()
                if figure.missing is not None
            ]
        }
        | others
    )


def flat_losses(row: LossesOut) -> dict[str, Any]:
    """Return a row whose losses are columns."""
    return flattened(
        row.model_dump(exclude={"losses"})
        | {"losses": {loss.name: {"duration_ms": loss.duration_ms} for loss in row.losses}}
    )


def _group(by: str | None, group: KpiGroup) -> GroupOut:
    start, text = group.key
    named: Mapping[str, Any] = {by: text} if by in ("product", "order", "lot") and text else {}
    return GroupOut(
        start=start,
        shift=group.shift if by == "shift" else None,
        business_date=group.business_date if by == "shift" else None,
        day=date.fromisoformat(text) if by == "day" and text else None,
        product=named.get("product"),
        order=named.get("order"),
        lot=named.get("lot"),
    )


def kpi_window(asked: Window, answer: KpiAnswer) -> KpiWindow:
    """Return the window that was served, and under which policies."""
    return KpiWindow(
        start=answer.window.start,
        end=answer.window.end,
        asked_start=asked.start,
        asked_end=asked.end,
        rounded=answer.rounded,
        known_to_s=None if answer.known_to_ms is None else answer.known_to_ms / 1000,
        policies={
            site: PolicyOut.model_validate(policy) for site, policy in answer.policies.items()
        },
    )
