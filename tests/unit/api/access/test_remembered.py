"""Who was found is remembered for a second at most, whatever ends them meanwhile."""

import pytest
from starlette.datastructures import Headers

from api.access.authentication import REMEMBERED_S, Authentication
from api.access.brake import Brake
from api.access.principal import Principal
from api.access.refusal import UnknownError
from api.access.role import Right
from plant.errors import StoreUnavailableError

SHOWN = Headers({"Authorization": "Bearer word"})
SIGNED_IN = Headers({"Cookie": "session=abc"})
WHO = Principal("an", frozenset({Right.FIGURES}), "dong-nai", "personal", account_id=1)
LESS = Principal("an", frozenset({Right.SELF}), "dong-nai", "personal", account_id=1)


class People:
    """Accounts of which there is one; counts how often it is looked up."""

    def __init__(self) -> None:
        self.who: Principal | None = WHO
        self.away = False
        self.looks = 0

    def of_token(self, token: str) -> Principal | None:
        self.looks += 1
        if self.away:
            raise StoreUnavailableError("away")
        return self.who if token == "word" else None

    def of_session(self, token: str, *, used: bool = True) -> Principal | None:
        self.looks += 1
        return self.who if token == "abc" else None

    def lasts(self, principal: Principal) -> bool:
        return principal == self.who


class Asked:
    """Requests at moments that the test sets."""

    def __init__(self) -> None:
        self.people = People()
        self.now = 0.0
        self.authentication = Authentication(
            None, self.people, Brake(lambda: self.now), clock=lambda: self.now
        )

    def at(self, moment: float, headers: Headers = SHOWN) -> Principal:
        """Return whom the request at a moment is from; looks again as the service does."""
        self.now = moment
        known = self.authentication.known(headers)
        if known is None:
            return self.authentication.principal(headers, "192.0.2.1")
        principal, look_again = known
        if look_again is not None:
            look_again()
        return principal


@pytest.fixture
def asked() -> Asked:
    return Asked()


def test_a_bound_of_a_second_is_kept() -> None:
    assert REMEMBERED_S <= 1.0


@pytest.mark.parametrize("headers", [SHOWN, SIGNED_IN])
def test_who_is_ended_is_refused_within_a_second(asked: Asked, headers: Headers) -> None:
    assert asked.at(0, headers) == WHO
    asked.people.who = None

    def refused(moment: float) -> bool:
        try:
            return asked.at(moment, headers).credential == "none"
        except UnknownError:
            return True

    # Nobody asks meanwhile, so nobody looks: what is known has become too old.
    assert refused(REMEMBERED_S)


def test_a_look_beside_a_request_ends_somebody_for_the_next(asked: Asked) -> None:
    asked.at(0)
    asked.people.who = None

    assert asked.at(0.6) == WHO
    with pytest.raises(UnknownError):
        asked.at(0.61)


def test_other_rights_hold_within_a_second(asked: Asked) -> None:
    asked.at(0)
    asked.people.who = LESS

    assert asked.at(REMEMBERED_S) == LESS


def test_who_asks_all_the_time_is_looked_up_twice_a_second(asked: Asked) -> None:
    for hundredth in range(1_000):
        assert asked.at(hundredth / 100) == WHO

    assert asked.people.looks == 20


def test_one_look_is_under_way_at_a_time(asked: Asked) -> None:
    asked.at(0)
    asked.now = 0.6
    looks = [asked.authentication.known(SHOWN) for _ in range(3)]

    assert [known is not None and known[1] is not None for known in looks] == [True, False, False]


def test_a_look_that_fails_is_made_again_and_prolongs_nothing(asked: Asked) -> None:
    asked.at(0)
    asked.people.away = True

    assert asked.at(0.6) == WHO
    assert asked.at(0.7) == WHO
    assert asked.people.looks == 3
    with pytest.raises(StoreUnavailableError):
        asked.at(REMEMBERED_S)


def test_a_look_from_before_somebody_signed_out_is_not_kept(asked: Asked) -> None:
    asked.at(0)
    find = asked.people.of_token

    def signed_out_meanwhile(token: str) -> Principal | None:
        found = find(token)
        asked.people.who = None
        asked.authentication.forget()
        return found

    asked.people.of_token = signed_out_meanwhile  # type: ignore[method-assign]  # for one look
    assert asked.at(0.6) == WHO
    asked.people.of_token = find  # type: ignore[method-assign]  # as it was

    with pytest.raises(UnknownError):
        asked.at(0.61)
