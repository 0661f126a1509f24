"""Which version of MQTT is asked for next."""

from types import SimpleNamespace
from typing import cast

from paho.mqtt.enums import MQTTProtocolVersion

from ingest.broker.mqtt import Attempts, Ended

V5, V311 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311


def ended(*, speaks_otherwise: bool = False, hung_up: bool = False) -> Ended:
    ending = SimpleNamespace(speaks_otherwise=speaks_otherwise, hung_up=hung_up)
    return cast("Ended", ending)


def test_the_older_version_is_asked_for_when_the_broker_says_so() -> None:
    attempts = Attempts("auto")
    attempts.failed(ended(speaks_otherwise=True), "unsupported")
    assert attempts.version is V311


def test_the_older_version_is_asked_for_when_a_broker_that_never_answered_hangs_up_again() -> None:
    attempts = Attempts("auto")
    attempts.failed(ended(hung_up=True), "hung up")
    assert attempts.version is V5
    attempts.failed(ended(hung_up=True), "hung up")
    assert attempts.version is V311


def test_a_broker_that_understood_is_asked_again_however_often_it_hangs_up() -> None:
    attempts = Attempts("auto")
    attempts.succeeded()
    for _ in range(10):
        attempts.failed(ended(hung_up=True), "hung up")
    assert attempts.version is V5
