"""How completely data arrived, how the edges are, and how much work waits."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.context import ContextDep
from api.fleet import EdgeSummary, fleet
from api.listing_file import FILES, ListingFormDep, ListingSubject
from api.wire import ConfigurationOut, DeliveryOut, EdgeOut, Listing, ProgressOut

router = APIRouter(prefix="/api/v1", tags=["delivery"])


@router.get("/delivery", response_model=Listing[DeliveryOut], responses=FILES)
def list_deliveries(context: ContextDep, form: ListingFormDep) -> Response | Listing[DeliveryOut]:
    """Return, per edge and life of its outbox, what was issued, what is committed, and why not."""
    with context.database.reading() as reading:
        deliveries = reading.fleet.deliveries()
    data = [DeliveryOut.model_validate(delivery) for delivery in deliveries]
    subject = ListingSubject("delivery", context.clock())
    return form.file(data, DeliveryOut, subject) or Listing(data=data)


@router.get("/edges")
def list_edges(context: ContextDep) -> Listing[EdgeOut]:
    """Return how every enrolled edge is."""
    with context.database.reading() as reading:
        summaries = fleet(reading.fleet, context.clock(), context.edge_state)
    return Listing(data=[_edge(summary) for summary in summaries])


@router.get("/configurations")
def list_configurations(
    context: ContextDep,
    edge: Annotated[
        str | None, Query(max_length=400, description="Path, enterprise/site/edge; default all.")
    ] = None,
) -> Listing[ConfigurationOut]:
    """Return which sources were pushed to edges, by whom, why, and what became of them."""
    with context.database.reading() as reading:
        rows = reading.fleet.configurations(edge)
    return Listing(data=[ConfigurationOut.model_validate(row) for row in rows])


@router.get("/progress")
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
