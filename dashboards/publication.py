"""From the Python specifications to files, and to a running Grafana."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from grafana_client.api import GrafanaApi
from grafana_client.client import GrafanaClientError, GrafanaException
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.alerting import (
    FOLDER_TITLE,
    FOLDER_UID,
    GROUP,
    contact_points,
    provisioned_rules,
    routed,
    rule_group,
)
from dashboards.boards import (
    andon,
    delivery,
    department,
    energy,
    line,
    machine,
    plant,
    platform,
    quality,
    shift,
)
from dashboards.query import API, POSTGRES
from plant.errors import ConfigurationError, TransientError
from plant.settings import DatabaseSettings

FOLDER = Path(__file__).parent / "grafana" / "dashboards"
"""Where the committed files are."""

ALERTING = FOLDER.parent / "provisioning" / "alerting" / "nm-rules.json"
"""Where the committed alert rules are."""

BOARDS = (plant, line, machine, shift, andon, energy, quality, delivery, platform, department)
"""Each has a function `dashboard`."""


def files() -> dict[str, str]:
    """Return the text of every dashboard file by its name, `<uid>.json`."""
    boards = [one.dashboard() for one in BOARDS]
    return {
        f"{board.uid}.json": json.dumps(board, cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"
        for board in boards
    }


def write(folder: Path) -> None:
    """Write every dashboard file into a folder and remove what no specification makes."""
    wanted = files()
    for stale in folder.glob("*.json"):
        if stale.name not in wanted:
            stale.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")


def write_rules(file: Path) -> None:
    """Write the file of the alert rules."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(alerting_file(), encoding="utf-8")


def alerting_file() -> str:
    """Return the text of the file from which Grafana provisions the alert rules."""
    return json.dumps(provisioned_rules(), indent=2, ensure_ascii=False) + "\n"


def push(url: str, token: str) -> list[str]:
    """Send every dashboard to a running Grafana, into its folder `Nhịp Máy`; return their uids.

    The token is that of a service account with the role Editor; data sources are there already.
    Raises ConfigurationError for what Grafana refuses (with its words) and TransientError when it
    cannot be reached or fails itself.
    """
    with _plain_errors(url):
        api: Any = GrafanaApi.from_url(url, credential=token)
        _ensure_folder(api)
        return [_send(api, json.loads(text)) for text in files().values()]


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organisation in Grafana, and the logins by which its data sources read.

    Whoever may look at a data source may send it any query: folders keep nobody out, so each
    enterprise has an organisation, and the database decides what its login sees.
    """

    name: str
    database: DatabaseSettings
    """As Grafana reaches it, with the tenant's login."""
    api: str | None = None
    """Address of our API as Grafana reaches it; the department's boards do without."""
    token: str = ""
    """Of our API, for figures of this tenant alone."""
    boards: tuple[str, ...] = ()
    """Uids of the boards that it gets."""
    alerts: bool = True
    notify: tuple[str, ...] = ()
    """Whom alerts reach: e-mail addresses and webhooks. None leaves to Grafana's people whom."""


TENANT_BOARDS = tuple(one.UID for one in BOARDS if one is not department)
DEPARTMENT_BOARDS = (department.UID,)


def push_tenants(url: str, credential: tuple[str, str], tenants: Iterable[Tenant]) -> list[str]:
    """Make each tenant's organisation what it is to be, however often; return what was done.

    The credential is name and password of a Grafana administrator: tokens cannot make
    organisations. Errors are those of `push`.
    """
    done = []
    with _plain_errors(url):
        for tenant in tenants:
            api: Any = GrafanaApi.from_url(url, credential=credential)
            number = _organisation(api, tenant.name)
            # Of this session alone: switching would change what the administrator sees.
            api.client.s.headers["X-Grafana-Org-Id"] = str(number)
            for source in sources_of(tenant):
                _ensure_source(api, source)
            _ensure_folder(api)
            boards = files()
            sent = [_send(api, json.loads(boards[f"{uid}.json"])) for uid in tenant.boards]
            rules = 0
            if tenant.alerts:
                group = rule_group()
                api.alertingprovisioning.update_rule_group(FOLDER_UID, GROUP, group)
                rules = len(group["rules"])
                if tenant.notify:
                    _tell(api.alertingprovisioning, tenant.notify)
            done.append(f"{tenant.name}: {len(sent)} boards, {rules} alert rules")
    return done


def sources_of(tenant: Tenant) -> list[dict[str, Any]]:
    """Return the data sources of a tenant as Grafana's API takes them."""
    database = tenant.database
    found: list[dict[str, Any]] = [
        {
            "uid": POSTGRES.uid,
            "type": POSTGRES.type_val,
            "name": "Nhịp Máy · dữ liệu",
            "access": "proxy",
            "url": f"{database.host}:{database.port}",
            "user": database.user,
            "isDefault": True,
            "jsonData": {
                "database": database.name,
                "sslmode": "verify-full" if database.tls else "disable",
                "sslRootCertFile": str(database.tls.ca_file) if database.tls else "",
                "tlsConfigurationMethod": "file-path",
                "postgresVersion": 1700,
                "timescaledb": True,
                # A tenant's login has ten connections.
                "maxOpenConns": 5,
                "maxIdleConns": 2,
            },
            "secureJsonData": {"password": database.secret()},
        }
    ]
    if tenant.api is not None:
        found.append(
            {
                "uid": API.uid,
                "type": API.type_val,
                "name": "Nhịp Máy · API",
                "access": "proxy",
                "url": tenant.api,
                "jsonData": {"auth_method": "bearerToken", "allowedHosts": [tenant.api]},
                "secureJsonData": {"bearerToken": tenant.token},
            }
        )
    return found


@contextmanager
def _plain_errors(url: str) -> Iterator[None]:
    try:
        yield
    except GrafanaClientError as exc:
        raise ConfigurationError(f"Grafana at {url} refuses the dashboards: {exc.message}") from exc
    except (GrafanaException, OSError) as exc:
        raise TransientError(f"Grafana at {url} cannot be used: {exc}") from exc


def _organisation(api: Any, name: str) -> int:
    try:
        return int(api.organization.find_organization(quote(name, safe=""))["id"])
    except GrafanaClientError as exc:
        if exc.status_code != HTTPStatus.NOT_FOUND:
            raise
        return int(api.organization.create_organization(name)["orgId"])


def _ensure_source(api: Any, source: dict[str, Any]) -> None:
    try:
        api.datasource.get_datasource_by_uid(source["uid"])
    except GrafanaClientError as exc:
        if exc.status_code != HTTPStatus.NOT_FOUND:
            raise
        api.datasource.create_datasource(source)
    else:
        api.datasource.update_datasource_by_uid(source["uid"], source)


def _tell(alerting: Any, notify: tuple[str, ...]) -> None:
    """Make the contact point, and the one route that leads to it."""
    known = {one["uid"] for one in alerting.get_contactpoints()}
    # Provenance would forbid people to change afterwards what else is in the tree.
    for point in contact_points(notify):
        if point["uid"] in known:
            alerting.update_contactpoint(point["uid"], point, disable_provenance=True)
        else:
            alerting.create_contactpoint(point, disable_provenance=True)
    tree = alerting.get_notification_policy_tree()
    if (wanted := routed(tree)) != tree:
        alerting.set_notification_policy_tree(wanted, disable_provenance=True)
    for uid in known - {one["uid"] for one in contact_points(notify)}:
        if uid.startswith("nm-"):
            alerting.delete_contactpoint(uid)


def _ensure_folder(api: Any) -> None:
    try:
        api.folder.get_folder(FOLDER_UID)
    except GrafanaClientError as exc:
        if exc.status_code != HTTPStatus.NOT_FOUND:
            raise
        api.folder.create_folder(FOLDER_TITLE, uid=FOLDER_UID)


def _send(api: Any, board: dict[str, object]) -> str:
    # The files are the truth: what somebody changed by hand is replaced.
    saved = api.dashboard.update_dashboard(
        {"dashboard": board, "folderUid": FOLDER_UID, "overwrite": True}
    )
    return str(saved["uid"])
