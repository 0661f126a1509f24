"""Who is wrong too often has to wait; nobody else does."""

from contextlib import ExitStack

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api import ApiSettings, create_app
from api.access.brake import MOST_REMEMBERED, Brake, address_of
from plant.settings import DatabaseSettings


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_sixth_try_waits_until_the_first_is_old() -> None:
    clock = Seconds()
    brake = Brake(clock, tries=5, within_s=60)
    for second in range(5):
        assert brake.wait_s("a") == 0
        clock.now = second
        brake.note_fault("a")

    assert brake.wait_s("a") == 56
    assert brake.wait_s("b") == 0
    assert brake.wait_s("b", "a") == 56
    clock.now = 60
    assert brake.wait_s("a") == 0


def test_whoever_knows_is_forgiven() -> None:
    brake = Brake(Seconds(), tries=1)
    brake.note_fault("a")
    brake.note_success("a")

    assert brake.wait_s("a") == 0


def test_tries_that_are_under_way_count_for_others() -> None:
    clock = Seconds()
    brake = Brake(clock, tries=3, within_s=60)
    brake.note_fault("a")
    with ExitStack() as tries:
        waits = [tries.enter_context(brake.trying("b", "a")) for _ in range(4)]
        assert waits == [0, 0, 1, 1]
        assert tries.enter_context(brake.trying("b")) == 0
        assert tries.enter_context(brake.trying("c")) == 0
    # All were right.
    with brake.trying("a") as wait_s:
        assert wait_s == 0
        brake.note_fault("a")
        brake.note_fault("a")
    with brake.trying("a") as wait_s:
        assert wait_s == 60


def test_a_flood_of_addresses_is_not_remembered_for_ever() -> None:
    brake = Brake(Seconds(), tries=1)
    for number in range(MOST_REMEMBERED + 5):
        brake.note_fault(str(number))

    assert brake.wait_s("4") == 0
    assert brake.wait_s(str(MOST_REMEMBERED)) > 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
    ],
)
def test_a_network_of_one_customer_is_one_address(one: str, other: str, same: bool) -> None:
    assert (address_of((one, 1)) == address_of((other, 2))) is same


def test_sixty_wrong_sign_ins_are_not_looked_at() -> None:
    settings = ApiSettings(database=DatabaseSettings(port=1), token=SecretStr("đúng"))
    client = TestClient(create_app(settings), base_url="http://localhost", follow_redirects=False)

    given = [client.post("/sign-in", data={"token": f"sai {n}"}) for n in range(60)]

    assert [answer.status_code for answer in given] == [403] * 5 + [429] * 55
    assert 0 < int(given[-1].headers["retry-after"]) <= 60
    # The right one would tell a guesser as well.
    assert client.post("/sign-in", data={"token": "đúng"}).status_code == 429


def test_wrong_headers_are_braked_and_the_right_one_is_let_in() -> None:
    settings = ApiSettings(database=DatabaseSettings(port=1), token=SecretStr("dung"))
    client = TestClient(create_app(settings), base_url="http://localhost")

    given = [client.get("/metrics", headers={"Authorization": f"Bearer {n}"}) for n in range(8)]

    assert [answer.status_code for answer in given] == [401] * 5 + [429] * 3
    assert client.get("/metrics", headers={"Authorization": "Bearer dung"}).status_code == 200
