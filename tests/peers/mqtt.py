"""Clients of MQTT for tests."""

from typing import TypeVar

from paho.mqtt.client import Client

from tests.waiting import HANG_S

AnyClient = TypeVar("AnyClient", bound=Client)


def patient(client: AnyClient) -> AnyClient:
    """Return `client`, which waits for the broker's first answer as every test waits.

    By itself paho gives up after 5 s, which a busy machine takes for TCP and TLS.
    """
    client.connect_timeout = HANG_S
    return client
