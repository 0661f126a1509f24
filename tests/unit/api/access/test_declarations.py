"""Every route says who may call it, and one that does not is nobody's."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from api import ApiSettings, create_app
from api.access.declaration import PLACE_PARAMETERS, right_of
from api.access.principal import INSTALLATION, NOBODY, Principal, Reach
from api.access.role import NEED_SECOND_FACTOR, RIGHTS, ROLES_OF, Right, Role
from plant.settings import DatabaseSettings

OPEN = {
    "/api/v1/edge-certificates",
    "/api/v1/edge-certificates/renewal",
    "/api/v1/oauth/token",
    "/enrol",
    "/health/live",
    "/health/ready",
    "/operator/worker.js",
    "/sign-in",
    "/sign-in/link/{link}",
    "/sign-in/single",
    "/sign-in/single/back",
    "/static/{address}",
}
"""What anybody may call. A further one is a decision: think before it is listed here."""


def routes(app: FastAPI) -> Iterator[APIRoute]:
    """Yield every route of an app, those of its routers included."""
    waiting: list[Any] = list(app.routes)
    while waiting:
        one = waiting.pop()
        inner = getattr(one, "original_router", None)
        if inner is not None:
            waiting += inner.routes
        else:
            assert isinstance(one, APIRoute), f"{one!r} is open to whoever finds it"
            yield one


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return create_app(ApiSettings(database=DatabaseSettings(port=1)))


def test_every_route_says_who_may_call_it(app: FastAPI) -> None:
    silent = [route.path for route in routes(app) if right_of(route.endpoint) is None]

    assert silent == []
    assert {route.path for route in routes(app) if right_of(route.endpoint) is Right.OPEN} == OPEN


def test_a_place_is_asked_for_by_a_name_that_the_gate_looks_at(app: FastAPI) -> None:
    named = {
        (route.path, parameter.name)
        for route in routes(app)
        for parameter in (*route.dependant.query_params, *route.dependant.path_params)
        if any(
            word in (parameter.field_info.description or "").lower()
            for word in ("path", "`enterprise/")
        )
    }

    assert named
    assert {pair for pair in named if pair[1] not in PLACE_PARAMETERS} == set()


def test_a_route_that_says_nothing_is_nobodys() -> None:
    app = create_app(ApiSettings(database=DatabaseSettings(port=1)))

    @app.get("/forgotten")
    def forgotten() -> dict[str, str]:
        return {"secret": "x"}

    answer = TestClient(app, base_url="http://localhost").get("/forgotten")

    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_every_role_belongs_to_some_organisation_and_has_rights() -> None:
    assert set(RIGHTS) == set(Role)
    assert set().union(*ROLES_OF.values()) == set(Role)
    assert all(Right.OPEN not in rights for rights in RIGHTS.values())
    # The department sees aggregates, who keeps the platform sees no data.
    for role in NEED_SECOND_FACTOR:
        assert not RIGHTS[role] & {Right.FIGURES, Right.OPERATE, Right.FLEET, Right.MASTER_DATA}


@pytest.mark.parametrize(
    ("reach", "path", "covered"),
    [
        ("a", "a", True),
        ("a", "a/b/c", True),
        ("a", "ab/c", False),
        ("a", "b/a", False),
        ("a", "", False),
        ("a", "A/b", False),
        ("a", "a\u200b/b", False),
        (Reach.AGGREGATES, "a", True),
        (Reach.AGGREGATES, "a/b", True),
        (Reach.AGGREGATES, "a/b/c", False),
        (Reach.NOBODY, "a", False),
        (Reach.EVERYBODY, "a/b/c/d", True),
    ],
)
def test_an_enterprise_covers_what_is_its_own(reach: Reach | str, path: str, covered: bool) -> None:
    assert Principal("x", frozenset(Right), reach, "session").covers(path) is covered


def test_who_has_to_do_something_first_may_do_nothing_else() -> None:
    new = Principal("x", frozenset(Right), "a", "session", must="second-factor")

    assert [right for right in Right if new.may(right)] == [Right.OPEN, Right.SELF]
    assert [right for right in Right if NOBODY.may(right)] == [Right.OPEN]
    assert all(INSTALLATION.may(right) for right in Right)


def test_rights_over_data_are_worth_nothing_without_data() -> None:
    consultant = Principal("x", RIGHTS[Role.SERVICE], Reach.NOBODY, "personal")

    assert {right for right in Right if consultant.may(right)} == {
        *(Right.OPEN, Right.SELF, Right.OPERATIONS),
    }
