"""How completely data arrived, how the edges are, and how much work waits."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.access.declaration import asks_for
from api.access.role import Right
from api.delivery.fleet import EdgeSummary, fleet
from api.delivery.presence import edge_state
from api.delivery.wire import ConfigurationOut, DeliveryOut, EdgeOut
from api.http.context import ContextDep
from api.http.wire import Listing, ProgressOut
from api.tables.listing import FILES, ListingFormDep, ListingSubject, flattened
from plant.delivery.gap import GapReason

router = APIRouter(prefix="/api/v1", tags=["delivery"])


@router.get("/delivery", response_model=Listing[DeliveryOut], responses=FILES)
@asks_for(Right.FLEET)
def list_deliveries(context: ContextDep, form: ListingFormDep) -> Response | Listing[DeliveryOut]:
    """Return, per edge and life of its outbox, what was issued, what is committed, and why not."""
    with context.database.reading() as reading:
        deliveries = reading.fleet.deliveries()
    data = [DeliveryOut.model_validate(delivery) for delivery in deliveries]
    subject = ListingSubject("delivery", context.clock())
    return form.file(data, DeliveryOut, subject) or Listing(data=data)


@router.get("/edges", response_model=Listing[EdgeOut], responses=FILES)
@asks_for(Right.FLEET)
def list_edges(context: ContextDep, form: ListingFormDep) -> Response | Listing[EdgeOut]:
    """Return how every enrolled edge is."""
    now = context.clock()
    with context.database.reading() as reading:
        summaries = fleet(reading.fleet, now, partial(edge_state, context))
    data = [_edge(summary) for summary in summaries]
    subject = ListingSubject("edges", now)
    return form.file(data, EdgeOut, subject, _flat_edge) or Listing(data=data)


@router.get("/configurations", response_model=Listing[ConfigurationOut], responses=FILES)
@asks_for(Right.FLEET)
def list_configurations(
    context: ContextDep,
    form: ListingFormDep,
    edge: Annotated[
        str | None, Query(max_length=400, description="Path, enterprise/site/edge; default all.")
    ] = None,
) -> Response | Listing[ConfigurationOut]:
    """Return which sources were pushed to edges, by whom, why, and what became of them."""
    with context.database.reading() as reading:
        rows = reading.fleet.configurations(edge)
    data = [ConfigurationOut.model_validate(row) for row in rows]
    subject = ListingSubject("configurations", context.clock())
    return form.file(data, ConfigurationOut, subject) or Listing(data=data)


@router.get("/progress")
@asks_for(Right.FLEET)
def show_progress(context: ContextDep) -> ProgressOut:
    """Return how many hours wait to be computed again and how much was refused so far."""
    with context.database.reading() as reading:
        progress = reading.progress()
        edition = reading.edition()
    return ProgressOut(
        dirty_windows=progress.dirty_windows,
        rejections=progress.rejections,
        now=context.clock(),
        edition=edition,
    )


def _edge(one: EdgeSummary) -> EdgeOut:
    pushed = one.configuration
    return EdgeOut(
        edge=one.edge,
        state=one.state.value,
        last_seen=one.said.reported_at,
        agent_version=one.said.agent_version,
        tags=one.said.tags,
        issued=one.issued,
        committed=one.committed,
        completeness=one.completeness,
        gaps={reason.value: number for reason, number in one.gaps.items()},
        rejections=one.rejections,
        lag_p50_s=one.lag_p50_s,
        lag_p95_s=one.lag_p95_s,
        pending=one.said.pending,
        sampled_time=one.said.sampled_time,
        buffer_hours_left=one.said.buffer_hours_left,
        clock_offset_ms=one.said.clock_offset_ms,
        unreachable=one.said.unreachable,
        config_version=one.said.config_version,
        config_error=one.said.config_error,
        configuration=None if pushed is None else ConfigurationOut.model_validate(pushed),
        advice=[advice.value for advice in one.advice],
    )


def _flat_edge(edge: EdgeOut) -> dict[str, Any]:
    """Return an edge with the same columns whatever it lacks."""
    values = edge.model_dump()
    pushed = values["configuration"] or {}
    return flattened(
        values
        | {
            "gaps": {reason.value: edge.gaps.get(reason.value, 0) for reason in GapReason},
            "rejections": [f"{reason}: {number}" for reason, number in edge.rejections.items()],
            "configuration": {
                name: pushed.get(name) for name in ConfigurationOut.model_fields if name != "edge"
            },
        }
    )
