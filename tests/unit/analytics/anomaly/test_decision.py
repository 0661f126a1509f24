"""Whether a message goes out now, later or never, and what it says."""

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from analytics.anomaly.notice.decision import SEND, Outcome, decide, retry_at, within
from analytics.anomaly.notice.letter import body_of, identity, signed, words_of
from store.anomaly.limit import Letter

NOW = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
"""22:00 in Hồ Chí Minh City."""


def letter(**changes: Any) -> Letter:
    event = {
        "event": "m1-model-0-5",
        "place": "dong-nai/bien-hoa/gia-cong/day-chuyen/cua",
        "name_vi": "Cưa",
        "kind": "model",
        "tag": None,
        "start": (NOW - timedelta(minutes=6)).isoformat(),
        "opened": (NOW - timedelta(minutes=5)).isoformat(),
        "end": changes.pop("end", None),
        "severity": 900.0,
        "context": {"product": "trục", "order": None, "shift": "ca-2"},
        "causes": [{"name": "dầu", "unit": "Cel", "actual": 61.234, "expected": 40.0}],
    }
    plain = Letter(
        message_id=7,
        step="opened",
        attempts=0,
        kind="webhook",
        target="https://a.example/x",
        secret="s3cret",
        quiet_from=None,
        quiet_to=None,
        zone="Asia/Ho_Chi_Minh",
        repeat_after_s=900.0,
        told_before=None,
        acknowledged=False,
        snoozed_until=None,
        maintained=False,
        event=event | changes.pop("event", {}),
    )
    return replace(plain, **changes)


OVER = (NOW - timedelta(minutes=1)).isoformat()
LONG_AGO = {"opened": (NOW - timedelta(hours=3)).isoformat()}
NIGHT = {"quiet_from": time(21), "quiet_to": time(6)}
MORNING = datetime(2026, 3, 3, 23, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (letter(), SEND),
        (letter(end=OVER), SEND),
        (letter(end=OVER, event=LONG_AGO), Outcome(dropped="over")),
        (letter(end=OVER, step="escalated"), Outcome(dropped="over")),
        (letter(end=OVER, step="closed"), SEND),
        (letter(acknowledged=True), Outcome(dropped="judged")),
        (
            letter(acknowledged=True, snoozed_until=NOW + timedelta(hours=1)),
            Outcome(later=NOW + timedelta(hours=1)),
        ),
        (letter(acknowledged=True, snoozed_until=NOW - timedelta(hours=1)), SEND),
        (letter(maintained=True), Outcome(later=NOW + timedelta(minutes=5))),
        (letter(maintained=True, end=OVER), Outcome(dropped="maintenance")),
        (letter(**NIGHT), Outcome(later=MORNING)),
        (letter(step="closed", end=OVER, **NIGHT), Outcome(later=MORNING)),
        (letter(told_before=NOW - timedelta(minutes=10)), Outcome(dropped="repeated")),
        (letter(told_before=NOW - timedelta(minutes=20)), SEND),
        (letter(attempts=8), Outcome(dropped="gave_up")),
    ],
)
def test_a_message_is_sent_when_it_concerns_somebody(one: Letter, expected: Outcome) -> None:
    assert decide(one, NOW) == expected


def test_times_of_day_go_over_midnight() -> None:
    assert within(time(23), time(21), time(6))
    assert within(time(5, 59), time(21), time(6))
    assert not within(time(6), time(21), time(6))
    assert not within(time(12), time(13), time(14))


def test_tries_are_farther_and_farther_apart() -> None:
    waits = [retry_at(attempts, NOW) - NOW for attempts in range(9)]

    assert waits[0] == timedelta(seconds=30)
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=1)


def test_a_signature_is_checked_as_the_standard_says() -> None:
    body = body_of(letter())

    headers = signed("s3cret", identity(letter()), 1_772_550_000, body)

    content = f"{headers['webhook-id']}.1772550000.".encode() + body
    wanted = base64.b64encode(hmac.new(b"s3cret", content, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{wanted}"
    assert "Cưa" in body.decode()
    assert "webhook-signature" not in signed("", "x", 1, body)


def test_people_read_what_was_normal_and_what_was() -> None:
    subject, text = words_of(letter())

    assert subject == "[Nhịp Máy] Mới: bất thường – Cưa"
    assert "dầu: thực tế 61.23 Cel, bình thường 40 Cel" in text
    assert "Từ: 21:54 03/03/2026" in text
    assert "Sản phẩm: trục" in text
