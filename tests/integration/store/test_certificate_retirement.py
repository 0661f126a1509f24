"""A renewed certificate ends: after a day it is on the list, and it cannot be renewed twice."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.delivery.enrolment import GRACE, EnrolmentDesk, Issued
from api.http.problems import ProblemError
from api.settings import EnrolmentSettings
from nhipmay import authority
from nhipmay.authority import AdministrationSettings, AuthorityBlock, write_list
from plant.identity import (
    Authority,
    Identity,
    key_pem,
    new_key,
    renewal_signature,
    serial_of,
    signing_request,
)
from plant.settings import DatabaseSettings
from store import load_plant
from tests.integration.ingests import fetched
from tests.plants.deliveries import EDGE, plant

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
NAME = EDGE.identity


class Desk:
    """The platform's desk at a time of the test's own, and an edge's part in it."""

    def __init__(self, database: DatabaseSettings, folder: Path) -> None:
        load_plant(database, plant())
        self.database = database
        self.now = START
        self.reused = 0
        self.authority = Authority.create("nhipmay edges", START)
        file = folder / "authority-edges"
        file.write_bytes(self.authority.identity.to_pem())
        self.desk = EnrolmentDesk(
            EnrolmentSettings(authority_file=file), database, lambda: self.now, self._count
        )
        self.administration = AdministrationSettings(
            database=database,
            authority=AuthorityBlock(
                file=file,
                revocation_list=folder / "revoked.pem",
                services_file=file,
                api_url="https://api",
            ),
        )

    def _count(self) -> None:
        self.reused += 1

    def enrolled(self) -> Identity:
        token = authority.invite(self.administration, NAME, timedelta(days=999))["token"]
        key = new_key()
        request = signing_request(key, NAME).decode()
        return identity(key_pem(key), self.desk.enrol(NAME, token, request, "192.0.2.1"))

    def renewed(self, old: Identity, key_text: bytes | None = None) -> Identity:
        key = Identity.from_pem(key_text).key if key_text else new_key()
        request = signing_request(key, NAME)
        issued = self.desk.renew(
            old.to_pem().decode(),
            request.decode(),
            renewal_signature(old.key, request),
            "192.0.2.2",
        )
        return identity(key_pem(key), issued)

    def listed(self) -> set[str] | None:
        write_list(self.administration)
        return self.authority.listed(self.administration.authority.revocation_list.read_bytes())


def identity(key: bytes, issued: Issued) -> Identity:
    return Identity.from_pem(key + issued.certificate.encode())


@pytest.fixture
def desk(plain_database: DatabaseSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk(plain_database, tmp_path)
    monkeypatch.setattr(authority, "system_clock", lambda: made.now)
    return made


def test_a_renewed_certificate_is_listed_when_its_grace_is_over(desk: Desk) -> None:
    old = desk.enrolled()
    new = desk.renewed(old)

    assert desk.listed() == set()
    desk.now += GRACE
    assert desk.listed() == {serial_of(old.certificate)}
    # The new one goes on.
    assert desk.renewed(new).holder == NAME


def test_the_list_is_written_only_when_it_says_something_new(desk: Desk) -> None:
    old = desk.enrolled()
    desk.renewed(old)
    file = desk.administration.authority.revocation_list
    texts = []
    for _ in range(4):
        desk.listed()
        texts.append(file.read_bytes())
        desk.now += GRACE / 2

    assert [text == texts[0] for text in texts] == [True, True, False, False]
    assert texts[2] == texts[3]


@pytest.mark.parametrize("later", [timedelta(0), GRACE * 2])
def test_a_second_renewal_is_refused_and_an_alarm(desk: Desk, later: timedelta) -> None:
    old = desk.enrolled()
    new = desk.renewed(old)
    desk.now += later

    with pytest.raises(ProblemError, match="was renewed before, with another key"):
        desk.renewed(old)

    assert desk.reused == 1
    actions = fetched(desk.database, "select action, who from identity_event order by 1, 2")
    assert ("reused", "192.0.2.2") in actions
    # The edge itself is not locked out by whoever tried.
    assert desk.renewed(new).holder == NAME


def test_an_answer_that_was_lost_is_given_again(desk: Desk) -> None:
    old = desk.enrolled()
    new = desk.renewed(old)
    desk.now += GRACE * 2

    assert desk.renewed(old, new.to_pem()).certificate == new.certificate
    assert desk.reused == 0


@pytest.mark.parametrize("again", [Desk.enrolled])
def test_who_enrols_again_ends_what_it_had(desk: Desk, again: Callable[[Desk], Identity]) -> None:
    old = desk.enrolled()
    again(desk)
    desk.now += GRACE

    assert desk.listed() == {serial_of(old.certificate)}
