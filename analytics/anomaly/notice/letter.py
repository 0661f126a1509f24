"""What a message says: JSON for programs, Vietnamese for people, and how it leaves the house."""

import base64
import hashlib
import hmac
import json
import smtplib
import ssl
from datetime import datetime
from email.message import EmailMessage
from zoneinfo import ZoneInfo

from analytics.anomaly.notice.mqtt import payload, publish, topic_of
from analytics.anomaly.watch.settings import AnomalySettings, MailSettings
from plant.errors import TransientError
from plant.outgoing import call
from plant.settings import BrokerSettings
from store.anomaly.limit import Letter

_KINDS = {
    "model": "bất thường",
    "wear": "mài mòn chậm",
    "stuck": "cảm biến đứng yên",
    "range": "giá trị ngoài dải đo",
    "gap": "thiếu số đo",
    "clock": "đồng hồ sai",
    "wander": "mô hình trôi khỏi bản đã duyệt",
    "limit": "vượt giới hạn",
    "silence": "mất dữ liệu",
}
_COMPARED = {"wander": ("bước nhỏ nhất thấy được nay là", "lúc duyệt là")}
_STEPS = {"opened": "Mới", "closed": "Đã hết", "escalated": "Chưa ai xử lý"}
_TIMEOUT_S = 10.0
_MOST_BYTES = 10_000
_TRY_AGAIN = frozenset({408, 425, 429})


class RefusedError(Exception):
    """The other side does not want it; sending it again is pointless."""


def send(letter: Letter, settings: AnomalySettings, now: datetime) -> None:
    """Send a message; TransientError when it may work later, RefusedError when it never will."""
    if letter.kind == "webhook":
        _post(letter, settings, now)
    elif letter.kind == "email" and settings.mail is not None:
        _mail(letter, settings.mail)
    elif letter.kind == "mqtt" and settings.mqtt is not None:
        _publish(letter, settings.mqtt)
    else:
        raise RefusedError("this installation has no way to send it")


def body_of(letter: Letter) -> bytes:
    """Return the JSON of a message."""
    content = {"type": f"anomaly.{letter.step}", "data": letter.event}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def identity(letter: Letter) -> str:
    """Return the name of a message: sent twice, it bears the same one."""
    return f"{letter.event['event']}-{letter.step}-{letter.message_id}"


def signed(secret: str, name: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers of Standard Webhooks: HMAC-SHA256 over name, time and body."""
    headers = {"webhook-id": name, "webhook-timestamp": str(timestamp)}
    if secret:
        content = f"{name}.{timestamp}.".encode() + body
        mac = hmac.new(secret.encode(), content, hashlib.sha256).digest()
        headers["webhook-signature"] = f"v1,{base64.b64encode(mac).decode()}"
    return headers


def words_of(letter: Letter) -> tuple[str, str]:
    """Return subject and text of a message for people."""
    event = letter.event
    zone = ZoneInfo(letter.zone)
    start = datetime.fromisoformat(event["start"]).astimezone(zone)
    kind = _KINDS.get(event["kind"], event["kind"])
    subject = f"[Nhịp Máy] {_STEPS[letter.step]}: {kind} – {event['name_vi']}"
    lines = [f"Máy: {event['name_vi']} ({event['place']})", f"Từ: {start:%H:%M %d/%m/%Y}"]
    for name, label in (("product", "Sản phẩm"), ("order", "Lệnh sản xuất"), ("shift", "Ca")):
        if event["context"].get(name):
            lines.append(f"{label}: {event['context'][name]}")
    now, then = _COMPARED.get(event["kind"], ("thực tế", "bình thường"))
    for cause in event["causes"]:
        unit = f" {cause['unit']}" if cause.get("unit") else ""
        lines.append(
            f"{cause['name']}: {now} {cause['actual']:.4g}{unit}, "
            f"{then} {cause['expected']:.4g}{unit}"
        )
    return subject, "\n".join(lines) + "\n"


def _post(letter: Letter, settings: AnomalySettings, now: datetime) -> None:
    body = body_of(letter)
    headers = signed(letter.secret, identity(letter), int(now.timestamp()), body)
    answer = call(
        "POST",
        letter.target,
        body=body,
        headers={"content-type": "application/json", **headers},
        networks=settings.networks,
        timeout_s=_TIMEOUT_S,
        most_bytes=_MOST_BYTES,
    )
    if answer.status in _TRY_AGAIN or answer.status >= 500:
        raise TransientError(f"the other side answered {answer.status}")
    if not 200 <= answer.status < 300:
        raise RefusedError(f"the other side answered {answer.status}")


def _publish(letter: Letter, broker: BrokerSettings) -> None:
    topic = topic_of(letter.event["place"], letter.target)
    if topic is None:
        raise RefusedError(f"{letter.target!r} is no topic")
    publish(broker, topic, payload(identity(letter), letter.step, letter.event), _TIMEOUT_S)


def _mail(letter: Letter, mail: MailSettings) -> None:
    message = EmailMessage()
    subject, text = words_of(letter)
    message["From"], message["To"], message["Subject"] = mail.sender, letter.target, subject
    message["Message-ID"] = f"<{identity(letter)}@nhipmay>"
    message.set_content(text)
    try:
        with smtplib.SMTP(mail.host, mail.port, timeout=_TIMEOUT_S) as server:
            if mail.encryption:
                server.starttls(context=ssl.create_default_context())
            secret = mail.secret()
            if mail.username and secret:
                server.login(mail.username, secret)
            server.send_message(message)
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused) as exc:
        raise RefusedError(str(exc)) from exc
    except (OSError, smtplib.SMTPException) as exc:
        raise TransientError(f"the mail server {mail.host} did not take it: {exc}") from exc
