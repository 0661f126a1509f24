"""Which source an address means, and how it is looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml
from pydantic import ValidationError

from edge_agent.drivers.mtconnect.settings import MtConnectSettings
from edge_agent.inspection.browse.found import Browsed
from plant.clock import Clock
from plant.errors import ConfigurationError
from plant.settings import BrokerSettings, explain

SCHEMES: Final = "opc.tcp://, http://, https://, mqtt://, mqtts://, sparkplug:// or sparkplugs://"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be looked at."""

    address: str
    """Of the source, such as `opc.tcp://192.168.1.10:4840/` or `mqtt://192.168.1.5`."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """More settings of the source, such as `security_policy`."""
    under: str | None = None
    """Node of a tree, topic filter, device of an agent, or Sparkplug group to begin with."""
    for_s: float = 15.0
    """How long to listen at a broker (wall time)."""
    rebirth: bool = False
    """Whether Sparkplug nodes are asked for their births."""
    folder: Path = Path()
    """Where the edge keeps its certificates."""
    site: tuple[str, str] | None = None
    """Enterprise and site, for what has to name them."""


async def browse(wish: Wish, clock: Clock) -> Browsed:
    """Return what the source at an address has.

    Raises ConfigurationError for an address or settings that cannot be, SourceUnavailableError
    when the source cannot be reached.
    """
    scheme = wish.address.partition("://")[0].lower()
    match scheme:
        case "opc.tcp":
            from edge_agent.drivers.opcua.settings import OpcUaSettings
            from edge_agent.inspection.browse import opcua

            connection = {"endpoint": wish.address, **wish.options}
            tag = {"name": "x/x", "work_unit": "x/x/x", "address": "i=2258"}
            opc = _valid(OpcUaSettings, {"driver": "opcua", **connection, "tags": [tag]})
            return await opcua.browse(opc, wish.folder, connection, wish.under)
        case "http" | "https":
            from edge_agent.inspection.browse import mtconnect

            connection = {"url": wish.address, **wish.options}
            if wish.under:
                connection["device"] = wish.under
            tag = {"name": "x/x", "work_unit": "x/x/x", "data_item": "x"}
            agent = _valid(MtConnectSettings, {"driver": "mtconnect", **connection, "tags": [tag]})
            return await mtconnect.browse(agent, connection)
        case "mqtt" | "mqtts":
            from edge_agent.inspection.browse import topics

            connection = {"broker": _broker(wish), "client_id": "nhipmay-edge"}
            return await topics.browse(connection, wish.under or "#", clock, wish.for_s)
        case "sparkplug" | "sparkplugs":
            from edge_agent.inspection.browse import sparkplug

            if wish.site is None:
                raise ConfigurationError(
                    "a Sparkplug node belongs to a site: name a settings file (-s) whose block "
                    "`edge` says enterprise and site"
                )
            connection = {"broker": _broker(wish)}
            return await sparkplug.browse(
                connection, wish.under, wish.site, clock, wish.for_s, rebirth=wish.rebirth
            )
        case _:
            raise ConfigurationError(
                f"'{wish.address}' cannot be browsed: {SCHEMES} can. Modbus, S7 and SLMP "
                "controllers keep no list of their tags: nhipmay edge import-tags takes the "
                "engineer's"
            )


def options(given: Sequence[str]) -> dict[str, Any]:
    """Return settings that are written `name=value` or `block.name=value`."""
    found: dict[str, Any] = {}
    for one in given:
        name, mark, text = one.partition("=")
        if not mark or not name:
            raise ConfigurationError(f"'{one}' is no setting such as security_policy=auto")
        *blocks, last = name.strip().split(".")
        if last == "password":
            raise ConfigurationError("a password is not for the command line: use password_file")
        here = found
        for block in blocks:
            here = here.setdefault(block, {})
            if not isinstance(here, dict):
                raise ConfigurationError(f"'{one}': {block} is no block of settings")
        try:
            here[last] = yaml.safe_load(text)
        except yaml.YAMLError as exc:
            raise ConfigurationError(f"'{one}' is no setting: {exc}") from exc
    return found


def _broker(wish: Wish) -> dict[str, Any]:
    """Return the settings of the broker at an address; `mqtts` needs `tls.ca_file`."""
    try:
        parts = urlsplit(wish.address)
        port = parts.port
    except ValueError as exc:
        raise ConfigurationError(f"'{wish.address}': {exc}") from exc
    secured = parts.scheme.endswith("s")
    if not parts.hostname or parts.path not in {"", "/"} or parts.username:
        raise ConfigurationError(
            f"'{wish.address}' is no address such as mqtt://192.168.1.5:1883 (a user is given by "
            "--with username=… and --with password_file=…)"
        )
    broker = {
        "host": parts.hostname,
        "port": port or (8883 if secured else 1883),
        **wish.options,
    }
    if secured and "tls" not in broker:
        raise ConfigurationError("a secured broker needs --with tls.ca_file=FILE")
    _valid(BrokerSettings, broker)
    return broker


def _valid(cls: type[Any], content: dict[str, Any]) -> Any:
    try:
        return cls.model_validate(content)
    except ValidationError as exc:
        raise ConfigurationError(explain(exc, cls, content)) from exc
