"""Grafana for every tenant: an organisation each, its logins, its boards, its alert rules."""

from datetime import timedelta

from api import ApiSettings
from api.access.administration import add_account, add_token, revoke_token
from api.access.role import Right, Role
from dashboards import DEPARTMENT_BOARDS, TENANT_BOARDS, Tenant, push_tenants
from plant.clock import system_clock
from plant.errors import ConfigurationError
from plant.settings import DatabaseSettings
from store.access.account import AccessStore
from store.access.tenant import DEPARTMENT
from store.access.tenant import enterprises as enterprises_of

_LIFE = timedelta(days=366)
_WHO = "nhipmay grafana push"


def push_to_grafana(
    settings: ApiSettings,
    url: str,
    credential: tuple[str, str],
    api: str,
    database: str | None,
    only: list[str],
    notify: tuple[str, ...] = (),
) -> list[str]:
    """Make the organisations of all enterprises, or of some, and of the department.

    `api` and `database` (host:port) are addresses as Grafana reaches them. Each enterprise's token
    of our API is made anew, the former one ends. `notify` are e-mail addresses and webhooks that
    alerts reach; without any, whom they reach is left alone. Raises ConfigurationError and
    TransientError.
    """
    known = enterprises_of(settings.database)
    if unknown := sorted(set(only) - known.keys()):
        raise ConfigurationError(
            f"there is no enterprise {', '.join(unknown)}; known: {', '.join(known) or 'none'}"
        )
    chosen = {code: name for code, name in known.items() if code in only or not only}
    tenants = [
        Tenant(
            name,
            _reached(settings, code, database),
            api,
            _new_token(settings, code),
            TENANT_BOARDS,
            notify=notify,
        )
        for code, name in chosen.items()
    ]
    if not only:
        login = _reached(settings, DEPARTMENT, database)
        tenants.append(Tenant("Sở Công Thương", login, boards=DEPARTMENT_BOARDS, alerts=False))
    return push_tenants(url, credential, tenants)


def _reached(settings: ApiSettings, enterprise: str, address: str | None) -> DatabaseSettings:
    login = settings.login_of(enterprise)
    if address is None:
        return login
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigurationError(f"{address!r} is no address; write for example database:5432")
    return login.model_copy(update={"host": host, "port": int(port)})


def _new_token(settings: ApiSettings, enterprise: str) -> str:
    login = f"grafana.{enterprise}"
    now = system_clock()
    store = AccessStore(settings.writing())
    try:
        with store.transaction() as t:
            account = t.account("by_login", login=login)
            former = [] if account is None else t.tokens(account.account_id)
        if account is None:
            add_account(store, login, "Grafana", Role.SERVICE, enterprise, "enterprise", now, _WHO)
        rights = [Right.AGGREGATES, Right.FIGURES, Right.OPERATE]
        _, secret = add_token(store, login, "Grafana", rights, "personal", now + _LIFE, now, _WHO)
        for one in former:
            revoke_token(store, login, one.token_id, now, _WHO)
    finally:
        store.close()
    return secret
