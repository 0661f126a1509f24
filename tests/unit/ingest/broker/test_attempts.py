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


def test_the_newer_version_is_asked_for_again_after_a_connection_by_guess() -> None:
    attempts = Attempts("auto")
    # A broker that is only coming up hangs up as one that knows only the older version does.
    for _ in range(2):
        attempts.failed(ended(hung_up=True), "hung up")
    attempts.succeeded()
    assert attempts.version is V311
    attempts.failed(ended(), "the connection ended")
    assert attempts.version is V5
    attempts.succeeded()
    for _ in range(10):
        attempts.failed(ended(hung_up=True), "hung up")
    assert attempts.version is V5


def test_a_broker_that_hangs_up_at_the_newer_version_only_is_served_in_the_older_each_time() -> (
    None
):
    attempts = Attempts("auto")
    for _ in range(3):
        for _ in range(2):
            attempts.failed(ended(hung_up=True), "hung up")
        assert attempts.version is V311
        attempts.succeeded()
        attempts.failed(ended(), "the connection ended")


def test_a_broker_that_says_that_it_knows_only_the_older_version_is_believed() -> None:
    attempts = Attempts("auto")
    attempts.failed(ended(speaks_otherwise=True), "unsupported")
    attempts.succeeded()
    attempts.failed(ended(), "the connection ended")
    assert attempts.version is V311
