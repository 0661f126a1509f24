"""Accounts: first link, sign-in, second factor, lockout, limits of sessions, tokens, the audit."""

import json
from asyncio import gather, run
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import psycopg
import pytest
from fastapi.testclient import TestClient
from httpx import ASGITransport, AsyncClient
from pyotp import TOTP

from api import create_app
from api.access.accounts import AccountError, Accounts, Caller
from api.access.administration import add_account, disable, make_link, revoke_token
from api.access.entry.factor import FactorCipher
from api.access.role import Right, Role
from nhipmay.auditing import seal, seal_again_and_again, verify
from plant.errors import ConfigurationError
from store.engine.connection import conninfo
from tests.peers.compose_roles import as_role, compose_database
from tests.peers.postgres import PostgresServer
from tests.plants.two_enterprises import OWN_MACHINE, PASSWORD, SECRET, Town, prepared

HERE = Caller("192.0.2.7", "r-1")
NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def town(timescale_server: PostgresServer) -> Iterator[Town]:
    with compose_database(timescale_server) as owner:
        prepared(owner)
        town = Town(owner)
        yield town
        town.close()


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def accounts(town: Town, clock: Hand) -> Iterator[Accounts]:
    store = town.store
    yield Accounts(store, FactorCipher(SECRET), clock)
    store.close()


_count = iter(range(1_000))


@pytest.fixture
def login(town: Town, accounts: Accounts, clock: Hand) -> str:
    return someone(town, accounts, clock, Role.ENGINEER, "enterprise", "dong-nai")


def someone(
    town: Town, accounts: Accounts, clock: Hand, role: Role, kind: str, organisation: str
) -> str:
    login = f"nguoi-{next(_count)}"
    store = town.store
    add_account(store, login, "Người thử", role, organisation, kind, clock.now, "test")
    link = make_link(store, login, clock.now, "test")
    store.close()
    accounts.use_link(link, PASSWORD, HERE)
    return login


def test_a_link_is_good_once_and_for_a_day(town: Town, accounts: Accounts, clock: Hand) -> None:
    store = town.store
    add_account(store, "moi", "Mới", Role.OPERATOR, "dong-nai", "enterprise", NOW, "test")
    used, late = (make_link(store, "moi", NOW, "test") for _ in range(2))
    store.close()

    with pytest.raises(AccountError, match="short"):
        accounts.use_link(used, "ngắn", HERE)
    accounts.use_link(used, PASSWORD, HERE)
    with pytest.raises(AccountError, match="link"):
        accounts.use_link(used, PASSWORD, HERE)
    clock.now += timedelta(days=1)
    assert not accounts.link_is_good(late)


def test_five_wrong_tries_close_the_account_for_a_quarter_of_an_hour(
    accounts: Accounts, login: str, clock: Hand
) -> None:
    for _ in range(5):
        with pytest.raises(AccountError, match="wrong"):
            accounts.sign_in(login, "sai", "", HERE)
    with pytest.raises(AccountError, match="locked"):
        accounts.sign_in(login, PASSWORD, "", HERE)
    clock.now += timedelta(minutes=15)
    assert accounts.sign_in(login, PASSWORD, "", HERE)


def test_sixty_wrong_sign_ins_at_once_are_not_looked_at(town: Town) -> None:
    logins = [f"doan-{number}" for number in range(60)]

    async def guess() -> list[int]:
        guesser = ASGITransport(create_app(town.settings), client=("192.0.2.60", 1))
        async with AsyncClient(transport=guesser, base_url="http://localhost") as client:
            tries = [client.post("/sign-in", data={"login": x, "password": "x"}) for x in logins]
            return [answer.status_code for answer in await gather(*tries)]

    assert Counter(run(guess())) == {403: 5, 429: 55}


def test_nobody_learns_whether_there_is_an_account(accounts: Accounts) -> None:
    with pytest.raises(AccountError, match=r"^wrong$"):
        accounts.sign_in("khong-co", PASSWORD, "", HERE)


def test_a_session_ends_by_disuse_and_by_age(accounts: Accounts, login: str, clock: Hand) -> None:
    used = accounts.sign_in(login, PASSWORD, "", HERE)
    for _ in range(5):
        clock.now += timedelta(minutes=15)
        assert accounts.of_session(used) is not None
    clock.now += timedelta(minutes=15, seconds=1)
    assert accounts.of_session(used) is None

    old = accounts.sign_in(login, PASSWORD, "", HERE)
    for _ in range(48):
        clock.now += timedelta(minutes=15)
        assert accounts.of_session(old) is not None
    clock.now += timedelta(minutes=1)
    assert accounts.of_session(old) is None


def test_an_account_that_is_not_used_is_closed(accounts: Accounts, login: str, clock: Hand) -> None:
    clock.now += timedelta(days=45, seconds=1)

    with pytest.raises(AccountError, match="wrong"):
        accounts.sign_in(login, PASSWORD, "", HERE)


def test_a_disabled_account_ends_at_once(
    town: Town, accounts: Accounts, login: str, clock: Hand
) -> None:
    session = accounts.sign_in(login, PASSWORD, "", HERE)
    store = town.store
    disable(store, login, clock.now, "test")
    store.close()

    assert accounts.of_session(session) is None
    with pytest.raises(AccountError, match="wrong"):
        accounts.sign_in(login, PASSWORD, "", HERE)


def test_an_administrator_needs_a_second_factor_and_a_new_password_every_two_months(
    town: Town, accounts: Accounts, clock: Hand
) -> None:
    who = someone(town, accounts, clock, Role.ADMINISTRATOR, "department", "so-cong-thuong")
    first = accounts.of_session(accounts.sign_in(who, PASSWORD, "", HERE))
    assert first is not None
    assert first.must == "second-factor"
    assert [right for right in Right if first.may(right)] == [Right.OPEN, Right.SELF]

    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    app = TOTP(secret)
    with pytest.raises(AccountError, match="wrong_code"):
        accounts.set_second_factor(first, secret, "000000", HERE)
    codes = accounts.set_second_factor(first, secret, app.at(clock.now), HERE)
    # The code that was shown is used up.
    with pytest.raises(AccountError, match="wrong_code"):
        accounts.sign_in(who, PASSWORD, app.at(clock.now), HERE)
    with pytest.raises(AccountError, match=r"^code$"):
        accounts.sign_in(who, PASSWORD, "", HERE)
    clock.now += timedelta(seconds=30)
    strong = accounts.of_session(accounts.sign_in(who, PASSWORD, app.at(clock.now), HERE))
    assert strong is not None
    assert strong.may(Right.OPERATIONS)

    assert accounts.sign_in(who, PASSWORD, codes[0], HERE)
    with pytest.raises(AccountError, match="wrong_code"):
        accounts.sign_in(who, PASSWORD, codes[0], HERE)

    clock.now += timedelta(minutes=6)
    assert accounts.of_session(accounts.sign_in(who, PASSWORD, codes[1], HERE)) is not None
    # Signed in now and then, so that disuse does not close it.
    clock.now += timedelta(days=40)
    accounts.sign_in(who, PASSWORD, codes[2], HERE)
    clock.now += timedelta(days=21)
    stale = accounts.of_session(accounts.sign_in(who, PASSWORD, codes[3], HERE))
    assert stale is not None
    assert stale.must == "password"
    with pytest.raises(AccountError, match="same"):
        accounts.change_password(stale, PASSWORD, PASSWORD, HERE)
    accounts.change_password(stale, PASSWORD, f"{PASSWORD} mới", HERE)
    assert accounts.sign_in(who, f"{PASSWORD} mới", codes[4], HERE)


def test_only_digests_are_kept(town: Town, accounts: Accounts, login: str) -> None:
    session = accounts.sign_in(login, PASSWORD, "", HERE)
    with psycopg.connect(conninfo(town.owner)) as connection:
        kept = "\n".join(
            str(row)
            for table in ("account", "session", "link", "token", "recovery_code", "audit")
            for row in connection.execute(f"select * from access.{table}").fetchall()
        )

    assert session not in kept
    assert PASSWORD not in kept
    assert "$argon2id$" in kept


def test_second_factors_are_encrypted_and_those_of_an_older_version_become_so(
    town: Town, accounts: Accounts, login: str, clock: Hand
) -> None:
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

    def kept() -> str:
        with psycopg.connect(conninfo(town.owner)) as connection:
            asked = "select totp_secret from access.account where login = %s"
            return str((connection.execute(asked, [login]).fetchone() or ("",))[0])

    first = accounts.of_session(accounts.sign_in(login, PASSWORD, "", HERE))
    assert first is not None
    accounts.set_second_factor(first, secret, TOTP(secret).at(clock.now), HERE)
    assert secret not in kept()
    with psycopg.connect(conninfo(town.owner)) as connection:
        connection.execute(
            "update access.account set totp_secret = %s where login = %s", [secret, login]
        )
    clock.now += timedelta(seconds=30)
    assert accounts.sign_in(login, PASSWORD, TOTP(secret).at(clock.now), HERE)
    assert kept().startswith("a1:")

    # With another secret of the installation codes no longer fit, recovery codes do.
    other = Accounts(town.store, FactorCipher("another"), clock)
    clock.now += timedelta(seconds=30)
    with pytest.raises(AccountError, match="wrong_code"):
        other.sign_in(login, PASSWORD, TOTP(secret).at(clock.now), HERE)
    town.store.close()


def test_a_page_that_asks_by_itself_keeps_no_session_alive(
    accounts: Accounts, login: str, clock: Hand
) -> None:
    session = accounts.sign_in(login, PASSWORD, "", HERE)
    principal = accounts.of_session(session)
    assert principal is not None
    for _ in range(3):
        clock.now += timedelta(minutes=5)
        assert accounts.of_session(session, used=False) is not None
        assert accounts.lasts(principal)
    clock.now += timedelta(seconds=1)
    assert not accounts.lasts(principal)
    assert accounts.of_session(session, used=False) is None


def test_a_token_speaks_for_no_more_than_its_account_and_itself(town: Town) -> None:
    login = town.add(Role.TECHNICIAN, "ky-thuat.token")
    client = town.with_token(login, [Right.AGGREGATES, Right.MASTER_DATA])

    assert client.get("/api/v1/places").status_code == 200
    assert client.get("/api/v1/stops", params={"place": OWN_MACHINE}).status_code == 403
    assert client.post("/api/v1/mes/products", json={"documents": []}).status_code == 403


def test_a_client_gets_short_lived_tokens_for_its_secret(town: Town) -> None:
    login = town.add(Role.SERVICE, "lgsp", "department")
    client = town.with_token(login, [Right.AGGREGATES], "client")
    assert client.get("/api/v1/places").status_code == 200

    asked = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}
    wrong = town.client().post("/api/v1/oauth/token", data=asked)
    other = town.client().post("/api/v1/oauth/token", data=asked | {"grant_type": "password"})
    assert (wrong.status_code, wrong.json()) == (401, {"error": "invalid_client"})
    assert (other.status_code, other.json()) == (400, {"error": "unsupported_grant_type"})


def test_a_revoked_token_is_worthless(town: Town) -> None:
    login = town.add(Role.ENGINEER, "ky-su.thu-hoi")
    client = town.with_token(login, [Right.AGGREGATES])
    store = town.store
    with store.transaction() as t:
        account = t.account("by_login", login=login)
        assert account is not None
        (token,) = t.tokens(account.account_id)
    revoke_token(store, login, token.token_id, datetime.now(UTC), "test")
    with pytest.raises(ConfigurationError, match="no token"):
        revoke_token(store, login, token.token_id, datetime.now(UTC), "test")
    store.close()

    assert client.get("/api/v1/places").status_code == 401


def test_a_login_that_changed_its_password_locks_nobody_out(town: Town) -> None:
    client = town.with_token(town.add(Role.ENGINEER, "ky-su.khoa"), [Right.FIGURES])

    def asked() -> int:
        return client.get("/api/v1/mes/products", params={"place": "dong-nai"}).status_code

    assert asked() == 200
    login = town.settings.login_of("dong-nai")
    with psycopg.connect(conninfo(login), autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off")
        connection.execute("alter role current_user password 'another one'")

    assert [asked(), asked()] == [503, 200]


def test_a_service_with_accounts_tells_anybody_that_it_is_ready(town: Town) -> None:
    client = town.client()
    client.app.state.context.database.open()  # type: ignore[attr-defined]

    answer = client.get("/health/ready")

    assert (answer.status_code, answer.json()["status"]) == (200, "ready")


def test_a_role_fits_its_organisation(town: Town) -> None:
    store = town.store
    with pytest.raises(ConfigurationError, match="people of a enterprise are"):
        add_account(store, "x", "X", Role.OFFICER, "dong-nai", "enterprise", NOW, "test")
    store.close()


@pytest.mark.parametrize(
    ("role", "home"),
    [(Role.MANAGER, "/"), (Role.OPERATOR, "/operator"), (Role.APPROVER, "/account")],
)
def test_everybody_comes_to_a_page_that_they_may_see(town: Town, role: Role, home: str) -> None:
    form = {"login": town.add(role, f"nha.{role.value}"), "password": PASSWORD}

    answer = town.client().post("/sign-in", data=form)

    assert (answer.status_code, answer.headers["location"]) == (303, home)


def test_another_site_cannot_use_a_session(town: Town) -> None:
    client = town.signed_in(town.add(Role.OPERATOR, "van-hanh.csrf"))
    said = {
        "client_id": "3f0c4b66-6f4c-4f0e-9d5a-0f5f0f9f6a02",
        "place": OWN_MACHINE,
        "stop_start": "2026-03-03T00:00:00Z",
        "reason": "thu",
    }

    def sent(headers: dict[str, str]) -> int:
        bare = TestClient(client.app, base_url="http://localhost", cookies=client.cookies)
        return bare.post("/api/v1/stops/classification", json=said, headers=headers).status_code

    assert sent({"Sec-Fetch-Site": "cross-site"}) == 403
    assert sent({"Origin": "http://evil.example"}) == 403
    assert sent({}) == 403
    assert sent({"Origin": "http://localhost"}) == 201


def test_the_pages_lead_from_the_link_to_the_second_factor_and_out(town: Town) -> None:
    login = town.add(Role.OFFICER, "chuyen-vien.trang")
    client = town.client(headers={"Sec-Fetch-Site": "same-origin"})
    form = {"login": login, "password": PASSWORD}
    into = client.post("/sign-in?next=/account", data=form)
    assert (into.status_code, into.headers["location"]) == (303, "/account")
    assert "HttpOnly" in into.headers["set-cookie"]
    assert client.get("/api/v1/places").status_code == 403

    page = client.get("/account").text
    assert "phải bật mã xác thực" in page
    secret = page.split('name="secret" value="')[1].split('"')[0]
    done = client.post(
        "/account/second-factor", data={"secret": secret, "code": TOTP(secret).now()}
    )
    assert done.status_code == 200
    code = done.text.split("<code>")[1].split("</code>")[0]
    again = client.post("/sign-in", data=form | {"code": code})
    assert again.status_code == 303
    assert client.get("/api/v1/places").status_code == 200
    client.post("/sign-out")
    assert client.get("/api/v1/places").status_code == 401


def test_the_audit_names_what_was_done_to_it(
    town: Town, accounts: Accounts, login: str, tmp_path: Path
) -> None:
    heads, key = tmp_path / "heads", tmp_path / "key.pem"
    accounts.sign_in(login, PASSWORD, "", HERE)
    stop = Event()
    stop.set()
    seal_again_and_again(town.owner, heads, key, 1, stop)
    accounts.sign_in(login, PASSWORD, "", HERE)
    seal(town.owner, heads, key)
    assert len(heads.read_text().splitlines()) == 2
    whole = verify(town.owner, heads, key)
    assert whole.faults == ()
    assert whole.entries > 3

    with psycopg.connect(conninfo(as_role(town.owner, "nhipmay_writer"))) as application:
        for statement in (
            "select * from access.audit",
            "delete from access.audit",
            "update access.audit set entry = ''",
            "insert into access.audit values (1, '', '')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                application.execute(statement.encode())
            application.rollback()
        # What it appends has the database's number and time, whatever it says.
        application.execute("""select access.append_audit('{"id": 1, "at": "x", "who": "a"}')""")

    with psycopg.connect(conninfo(town.owner)) as owner:
        last = owner.execute("select entry from access.audit order by audit_id desc limit 1")
        entry = json.loads((last.fetchone() or ("",))[0])
        assert entry["id"] == whole.entries + 1
        assert entry["at"].startswith("20")
        owner.execute("update access.audit set entry = entry || ' ' where audit_id = 2")
        owner.execute("delete from access.audit where audit_id = 3")
        owner.commit()
        faults = verify(town.owner, heads, key).faults
        assert any("entry 2 was changed" in fault for fault in faults), faults
        assert any("entry 3 is missing" in fault for fault in faults), faults
        owner.execute("delete from access.audit where audit_id >= 3")
        owner.commit()
    faults = verify(town.owner, heads, key).faults
    assert any("cut off or set back" in fault for fault in faults), faults
