"""Whether the service lives and can work, and its counters."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.access.declaration import asks_for
from api.access.role import Right
from api.http.context import ContextDep
from api.http.wire import HealthOut
from plant.errors import ConfigurationError, StoreUnavailableError
from store.reading.reading import QueryTooLongError

router = APIRouter(tags=["health"])


@router.get("/health/live")
@asks_for(Right.OPEN)
def live() -> HealthOut:
    """Say that the process answers; nothing else is looked at."""
    return HealthOut(status="live", detail="The service answers.")


@router.get(
    "/health/ready",
    responses={503: {"model": HealthOut, "description": "Not ready; `detail` says why."}},
)
@asks_for(Right.OPEN)
def ready(context: ContextDep, response: Response) -> HealthOut:
    """Say whether questions can be answered: the database is reachable and has our tables."""
    try:
        with context.database.reading(of_service=True) as reading:
            if not reading.schema_present():
                raise ConfigurationError(
                    "the database has no Nhịp Máy tables: run `nhipmay migrate` first"
                )
    except (ConfigurationError, StoreUnavailableError, QueryTooLongError) as exc:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return HealthOut(status="not ready", detail=str(exc))
    return HealthOut(status="ready", detail="The database answers.")


@router.get("/metrics", response_class=Response)
@asks_for(Right.OPERATIONS)
def metrics(context: ContextDep) -> Response:
    """Return the service's own counters in Prometheus' text format."""
    return Response(context.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/api/v1/openapi.json", include_in_schema=False)
@asks_for(Right.SELF)
def openapi(request: Request) -> JSONResponse:
    """Describe the API."""
    return JSONResponse(request.app.openapi())
