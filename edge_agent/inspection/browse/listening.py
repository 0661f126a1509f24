"""Listening at a broker for a while, as a client of no name that leaves nothing behind."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from edge_agent.broker import AddressChoice, VersionChoice
from edge_agent.drivers.mqtt.link import Answered, Arrived, Ended, MqttLink, Subscribed
from edge_agent.drivers.mqtt.message import Message
from edge_agent.drivers.mqtt.settings import MqttSettings
from plant.clock import Clock
from plant.errors import SourceUnavailableError

_LOOK_S = 0.25
_TRIES = 3
"""Of a broker that speaks another version of MQTT, or is the second of several."""


async def listen(
    broker: dict[str, Any],
    filters: Sequence[str],
    clock: Clock,
    for_s: float,
    take: Callable[[MqttLink, Message], None],
) -> list[str]:
    """Hand over each message that comes within `for_s` (wall time); return the refused filters.

    Raises SourceUnavailableError when the broker does not let us listen at all.
    """
    settings = MqttSettings.model_validate(
        {
            "driver": "mqtt",
            "broker": {"session_expiry_s": 0, **broker},
            "client_id": f"nhipmay-browse-{secrets.token_hex(4)}",
            "tags": [_tag(number, one) for number, one in enumerate(filters)],
        }
    )
    versions = VersionChoice(settings.broker.protocol)
    addresses = AddressChoice(settings.broker.addresses)
    reason = "the broker does not answer"
    for _ in range(_TRIES):
        loop = asyncio.get_running_loop()
        link = MqttLink(settings, versions, clock, loop, addresses)
        try:
            await asyncio.to_thread(link.open)
            return await _listened(link, for_s, settings.timeout_s, take)
        except (OSError, TimeoutError) as exc:
            reason = f"nothing answers ({getattr(exc, 'strerror', None) or exc})"
        except _EndedError as exc:
            reason = str(exc)
        finally:
            await asyncio.shield(asyncio.to_thread(link.close))
    where = f"{settings.broker.host}:{settings.broker.port}"
    raise SourceUnavailableError("browse", [f"{where}: {reason}"])


class _EndedError(Exception):
    """The connection ended before the broker let us listen."""


async def _listened(
    link: MqttLink, for_s: float, patience_s: float, take: Callable[[MqttLink, Message], None]
) -> list[str]:
    refused: list[str] = []
    listening = False
    with suppress(TimeoutError):
        async with asyncio.timeout(patience_s) as bound:
            while True:
                for event in await link.events(_LOOK_S):
                    match event:
                        case Subscribed():
                            refused += event.refused
                            # Its answer comes behind all that the broker has kept.
                            link.probe()
                        case Arrived():
                            take(link, event.message)
                            link.acknowledge(event)
                        case Ended() if not listening:
                            raise _EndedError(event.reason)
                        case Ended():
                            return refused
                        case Answered():
                            listening = True
                            bound.reschedule(asyncio.get_running_loop().time() + for_s)
    if not listening:
        raise _EndedError("the broker does not answer")
    return refused


def _tag(number: int, topic: str) -> dict[str, Any]:
    return {"name": f"x/{number}", "work_unit": "x/x/x", "topic": topic}
