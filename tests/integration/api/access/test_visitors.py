"""A demo's visitors: let in at once on this machine, as any role, and nowhere else."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api import create_app
from api.access.administration import add_account
from api.access.role import Role
from nhipmay.demo.people import visitors
from nhipmay.demo.plan import descriptions
from plant.clock import system_clock
from plant.errors import ConfigurationError
from tests.peers.compose_roles import compose_database
from tests.peers.postgres import PostgresServer
from tests.plants.two_enterprises import OWN, Town, prepared

HERE, ELSEWHERE = ("127.0.0.1", 50_000), ("192.0.2.9", 50_000)


@pytest.fixture(scope="module")
def app(timescale_server: PostgresServer) -> Iterator[FastAPI]:
    with compose_database(timescale_server) as owner:
        prepared(owner)
        town = Town(owner)
        for login, role, organisation, kind in (
            ("ky-su", Role.ENGINEER, OWN, "enterprise"),
            ("chuyen-vien", Role.OFFICER, "so-cong-thuong", "department"),
            ("nguoi-khac", Role.ENGINEER, OWN, "enterprise"),
        ):
            add_account(town.store, login, login, role, organisation, kind, system_clock(), "test")
        accounts = town.settings.accounts
        assert accounts is not None
        accounts = accounts.model_copy(update={"visitors": ("ky-su", "chuyen-vien")})
        app = create_app(town.settings.model_copy(update={"accounts": accounts}))
        yield app
        town.close()
        app.state.context.database.close()
        app.state.context.accounts.close()


def visitor(app: FastAPI, address: tuple[str, int] = HERE) -> TestClient:
    return TestClient(
        app,
        base_url="http://localhost",
        follow_redirects=False,
        client=address,
        headers={"Sec-Fetch-Site": "same-origin"},
    )


def test_who_opens_the_first_page_is_an_engineer_and_may_take_another_role(app: FastAPI) -> None:
    client = visitor(app)
    away = client.get("/")
    assert (away.status_code, away.headers["location"]) == (303, "/sign-in?next=%2F")
    into = client.get(away.headers["location"])
    assert (into.status_code, into.headers["location"]) == (303, "/")
    page = client.get("/").text
    assert "ky-su · đổi vai" in page
    assert client.get("/api/v1/places").json()["data"][0]["path"] == OWN

    choice = client.get("/sign-in").text
    assert 'value="chuyen-vien"' in choice
    assert "nguoi-khac" not in choice
    other = client.post("/sign-in", data={"visitor": "chuyen-vien"})
    assert other.status_code == 303
    assert {row["level"] for row in client.get("/api/v1/places").json()["data"]} == {
        *("enterprise", "site"),
    }
    out = client.post("/sign-out")
    assert out.headers["location"] == "/sign-in?choose=1"
    assert client.get(out.headers["location"]).status_code == 200
    assert client.get("/api/v1/places").status_code == 401


def test_nobody_else_is_let_in(app: FastAPI) -> None:
    client = visitor(app)
    for login in ("nguoi-khac", "", "khong-co"):
        assert client.post("/sign-in", data={"visitor": login}).status_code in {401, 403}
        assert client.get("/api/v1/places").status_code == 401
    for form in ({"login": "ky-su", "password": ""}, {"login": "ky-su", "password": "ky-su"}):
        assert client.post("/sign-in", data=form).status_code == 403

    far = visitor(app, ELSEWHERE)
    page = far.get("/sign-in")
    assert page.status_code == 200
    assert 'name="visitor"' not in page.text
    far.post("/sign-in", data={"visitor": "ky-su"})
    assert far.get("/api/v1/places").status_code == 401


def test_another_site_cannot_choose_for_a_visitor(app: FastAPI) -> None:
    client = visitor(app)
    client.headers["Sec-Fetch-Site"] = "cross-site"
    assert client.post("/sign-in", data={"visitor": "chuyen-vien"}).status_code == 403


def test_visitors_are_taken_on_loopback_only(app: FastAPI) -> None:
    settings = app.state.context.settings
    with pytest.raises(ConfigurationError, match=r"accounts\.visitors"):
        create_app(settings.model_copy(update={"host": "0.0.0.0"}))


def test_the_demo_has_a_visitor_of_each_role_that_people_have() -> None:
    people = visitors(descriptions())

    assert people[0].role is Role.ENGINEER
    assert {one.role for one in people} == set(Role) - {Role.SERVICE}
    assert len({one.login for one in people}) == len(people)
