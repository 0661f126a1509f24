"""Two enterprises in one database made as compose makes it, with people of each organisation."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api import ApiSettings, create_app
from api.access.administration import add_account, add_token, make_link
from api.access.role import ROLES_OF, Right, Role
from api.settings import AccountsSettings
from plant.settings import DatabaseSettings
from store import load_plant, migrate
from store.access.account import AccessStore
from store.access.tenant import make_tenants
from store.engine.connection import conninfo
from tests.peers.compose_roles import as_role
from tests.plants.deliveries import LATHE, plant
from tests.plants.figure_plant import SAW, FigurePlant, at

OWN, FOREIGN = "dong-nai", "co-khi-thu"
OWN_MACHINE, FOREIGN_MACHINE = SAW, LATHE
OWN_SITE, FOREIGN_SITE = "/".join(SAW.split("/")[:2]), "/".join(LATHE.split("/")[:2])
FOREIGN_WORDS = (FOREIGN, "Tiện", "tien-1")
"""What tells that something of the other enterprise is in an answer."""
SECRET = "of the enterprises' logins"
PASSWORD = "năm con mèo nhảy qua rào"
ORGANISATIONS = {"enterprise": OWN, "department": "so-cong-thuong", "consultant": "tu-van"}


def prepared(owner: DatabaseSettings) -> None:
    """Fill a new database: figures of one enterprise, a tag and a measurement of the other."""
    migrate(owner)
    figures = FigurePlant(owner)
    figures.run_steadily(SAW, 0, 2)
    figures.report(2)
    figures.compute(2)
    figures.close()
    load_plant(owner, plant())
    with psycopg.connect(conninfo(owner)) as connection:
        # Of three machines each, so that the department is told of both sites.
        connection.execute(
            "insert into place (parent_id, level, path, name_vi, name_en, position)"
            " select line.place_id, 'work_unit', format('%%s/them-%%s', line.path, n),"
            " format('Thêm %%s', n), format('More %%s', n), 90 + n"
            " from place machine join place line on line.place_id = machine.parent_id,"
            " generate_series(1, 2) n where machine.path = any(%s)",
            ([OWN_MACHINE, FOREIGN_MACHINE],),
        )
        connection.execute(
            "insert into tag (site_id, work_unit_id, edge_id, name, value_type)"
            " select e.site_id, u.place_id, e.edge_id, 'tien-1/nhiet-do', 'number'"
            " from edge e join place s on s.place_id = e.site_id, place u"
            " where u.path = %s and s.path = %s limit 1",
            (FOREIGN_MACHINE, FOREIGN_SITE),
        )
        connection.execute(
            "insert into measurement (tag_id, source_time, received_time, value, quality)"
            " select tag_id, %(at)s, %(at)s, 20, 0 from tag where name = 'tien-1/nhiet-do'",
            {"at": at(1)},
        )
        connection.execute(
            "insert into stop_reason (enterprise_id, code, name_vi, name_en)"
            " select place_id, 'thu', 'Thử', 'Trial' from place where level = 'enterprise'"
        )
        connection.execute(
            "insert into stop (work_unit_id, start_time, element, state, stop_kind)"
            " select place_id, %s, 'delay', 'HELD', 'held' from place where path in (%s, %s)",
            (at(1), OWN_MACHINE, FOREIGN_MACHINE),
        )
    make_tenants(owner, SECRET)


@dataclass(slots=True)
class Town:
    """The platform of both, and who works there."""

    owner: DatabaseSettings
    now: datetime = datetime(2026, 3, 2, 6, tzinfo=UTC)
    logins: dict[Role, str] = field(default_factory=dict)
    _app: FastAPI | None = None
    _store: AccessStore | None = None

    @property
    def settings(self) -> ApiSettings:
        return ApiSettings(
            database=as_role(self.owner, "nhipmay_reader"),
            writer=as_role(self.owner, "nhipmay_writer"),
            accounts=AccountsSettings(logins_secret=SecretStr(SECRET)),
        )

    @property
    def store(self) -> AccessStore:
        if self._store is None:
            self._store = AccessStore(as_role(self.owner, "nhipmay_writer"))
        return self._store

    def client(self, **more: Any) -> TestClient:
        """Return a client that nobody has signed in with."""
        if self._app is None:
            self._app = create_app(self.settings)
        return TestClient(self._app, base_url="http://localhost", follow_redirects=False, **more)

    def close(self) -> None:
        """Give every connection back."""
        self.store.close()
        if self._app is not None:
            context = self._app.state.context
            context.database.close()
            context.accounts.close()

    def add(self, role: Role, login: str, kind: str | None = None) -> str:
        """Add somebody and set their password by their link; return the login."""
        kind = kind or next(kind for kind, roles in ROLES_OF.items() if role in roles)
        store, now = self.store, datetime.now(UTC)
        add_account(store, login, f"Người {login}", role, ORGANISATIONS[kind], kind, now, "test")
        link = make_link(store, login, now, "test")
        store.close()
        answer = self.client().post(f"/sign-in/link/{link}", data={"password": PASSWORD})
        assert answer.status_code == 303, answer.text
        return login

    def signed_in(self, login: str) -> TestClient:
        """Return a client with a session."""
        client = self.client(headers={"Sec-Fetch-Site": "same-origin"})
        answer = client.post("/sign-in", data={"login": login, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        return client

    def with_token(self, login: str, rights: list[Right], kind: str = "personal") -> TestClient:
        """Return a client with a token, got by client credentials where it is of a `client`."""
        store, now = self.store, datetime.now(UTC)
        until = now + timedelta(days=1)
        token_id, secret = add_token(store, login, "thử", rights, kind, until, now, "test")
        store.close()
        client = self.client()
        if kind == "client":
            asked = {"grant_type": "client_credentials"}
            answer = client.post("/api/v1/oauth/token", data=asked, auth=(token_id, secret))
            assert answer.status_code == 200, answer.text
            secret = answer.json()["access_token"]
        client.headers["Authorization"] = f"Bearer {secret}"
        return client
