"""The demo's MQTT broker: mosquitto where the machine has it, else a Python broker.

The Python broker is for the demo only: it loses QoS 1 messages under some conditions, which the
delivery ledger then heals by sending again. See `docs/explanations/delivery.md`.
"""

import base64
import hashlib
import os
import secrets
import shutil
import sys
from pathlib import Path
from typing import Any

import yaml

from nhipmay.demo.children import Child
from nhipmay.demo.folder import DemoFolder
from nhipmay.demo.ports import is_listening

USER = "nhipmay"
_ITERATIONS = 101


def broker_child(
    folder: DemoFolder, port: int, *, force_python: bool = False
) -> tuple[Child, dict[str, Any]]:
    """Return the broker's process and our settings block for it."""
    password_file = folder.new_secret("broker")
    mosquitto = None if force_python else find_mosquitto()
    argv = (
        _mosquitto(mosquitto, folder, port, password_file)
        if mosquitto
        else _python_broker(folder, port, password_file)
    )
    child = Child("broker", argv, lambda: is_listening(port))
    settings = {
        "host": "127.0.0.1",
        "port": port,
        "username": USER,
        "password_file": str(password_file),
        # The Python broker does not answer MQTT 5 at all; better to know than to wait.
        "protocol": "auto" if mosquitto else "3.1.1",
    }
    return child, settings


def find_mosquitto() -> str | None:
    """Return the path of mosquitto; Debian keeps it where ordinary users do not look."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def _mosquitto(program: str, folder: DemoFolder, port: int, password_file: Path) -> tuple[str, ...]:
    data = folder.folder("broker")
    users = folder.settings / "mosquitto-users"
    users.touch(mode=0o600)
    users.write_text(f"{USER}:{_mosquitto_hash(password_file)}\n", encoding="ascii")
    lines = [
        f"listener {port} 127.0.0.1",
        "allow_anonymous false",
        f"password_file {users}",
        "persistence true",
        f"persistence_location {data}/",
        # Enough for hours of an absent ingest; 0 would disconnect clients (mosquitto 2.0.21).
        "max_queued_messages 1000000",
        "set_tcp_nodelay true",
        "max_inflight_messages 4000",
    ]
    if os.geteuid() == 0:
        # Otherwise it changes to an account that cannot read this folder.
        lines.append("user root")
    configuration = folder.settings / "mosquitto.conf"
    configuration.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return program, "-c", str(configuration)


def _mosquitto_hash(password_file: Path) -> str:
    """Return the password in mosquitto's own form: $7$ = PBKDF2 with SHA-512."""
    salt = secrets.token_bytes(12)
    key = hashlib.pbkdf2_hmac("sha512", password_file.read_bytes(), salt, _ITERATIONS)
    encoded = [base64.b64encode(part).decode("ascii") for part in (salt, key)]
    return f"$7${_ITERATIONS}${encoded[0]}${encoded[1]}"


def _python_broker(folder: DemoFolder, port: int, password_file: Path) -> tuple[str, ...]:
    from pwdlib.hashers.argon2 import Argon2Hasher

    users = folder.settings / "broker-users"
    users.touch(mode=0o600)
    hashed = Argon2Hasher().hash(password_file.read_text(encoding="ascii"))
    users.write_text(f"{USER}:{hashed}\n", encoding="ascii")
    configuration = folder.settings / "broker.yaml"
    configuration.write_text(
        yaml.safe_dump(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
                "plugins": {
                    "amqtt.plugins.authentication.FileAuthPlugin": {"password_file": str(users)}
                },
            }
        ),
        encoding="utf-8",
    )
    return sys.executable, "-m", "amqtt.scripts.broker_script", "-c", str(configuration)
