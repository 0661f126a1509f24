"""Shared tablets: each is a place, not a person, and says of nobody who stands before it.

Somebody of the enterprise names the place and gets a code; whoever types it on the tablet within a
quarter of an hour makes the tablet that place until somebody ends it. It may do what people at the
machines do, there and below, and nothing else.
"""

import secrets
from datetime import timedelta

from api.access.accounts import AccountError, Caller, audit_entry
from api.access.principal import Principal
from api.access.role import AT_A_PLACE
from api.access.rule import DISUSE
from api.access.secret import digest, new_secret
from plant.clock import Clock, system_clock
from store.access.account import AccessStore
from store.access.device import DeviceRow, Devices

CODE_LIFE = timedelta(minutes=15)
LIFE = timedelta(days=365)
"""After which a tablet is enrolled anew, however much it is used."""
MARK = "place-"
"""How what a tablet shows begins."""
# Letters and digits that nobody takes for one another.
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_LETTERS = 8


class Tablets:
    """The tablets of one installation, by the wall's clock."""

    def __init__(self, store: AccessStore, clock: Clock = system_clock) -> None:
        self._store = store
        self._clock = clock

    def invite(self, principal: Principal, path: str, name: str, caller: Caller) -> str:
        """Return the code by which a tablet becomes this place; shown once, good once."""
        code = "".join(secrets.choice(_ALPHABET) for _ in range(_LETTERS))
        now = self._clock()
        with self._store.transaction() as t:
            device_id = Devices(t).add(
                path, name, digest(code), expires_at=now + CODE_LIFE, now=now
            )
            t.audit(
                audit_entry(principal.name, f"tablet-invited {device_id}", path, "done", caller)
            )
        return f"{code[:4]}-{code[4:]}"

    def enrol(self, code: str, caller: Caller) -> tuple[str, DeviceRow]:
        """Return what the tablet shows from now on; raises AccountError `code_used`."""
        typed = code.upper().replace("-", "").replace(" ", "")
        token, now = f"{MARK}{new_secret()}", self._clock()
        with self._store.transaction() as t:
            device = Devices(t).enrol(digest(typed), digest(token), now)
            result = "done" if device else "wrong"
            name = name_of(device) if device else "nobody"
            t.audit(
                audit_entry(name, "tablet-enrolled", device.path if device else "", result, caller)
            )
        if device is None:
            raise AccountError("code_used")
        return token, device

    def of_token(self, token: str) -> Principal | None:
        """Return which place a tablet is, while it is good."""
        now = self._clock()
        with self._store.transaction() as t:
            devices = Devices(t)
            device = devices.by_token(digest(token))
            if device is None or not self._is_good(device):
                return None
            devices.touch(device.device_id, now)
        return Principal(
            name_of(device),
            AT_A_PLACE,
            device.path.partition("/")[0],
            "tablet",
            within=device.path,
            device_id=device.device_id,
        )

    def lasts(self, device_id: int) -> bool:
        """Tell whether a tablet is still good; asking is no use of it."""
        with self._store.transaction() as t:
            device = Devices(t).by_id(device_id)
        return device is not None and self._is_good(device)

    def of_enterprise(self, enterprise: str) -> list[DeviceRow]:
        """Return the tablets of an enterprise."""
        with self._store.transaction() as t:
            return Devices(t).of_enterprise(enterprise)

    def revoke(self, principal: Principal, device_id: int, caller: Caller) -> bool:
        """End a tablet of one's own enterprise; return whether there was such a one."""
        with self._store.transaction() as t:
            devices = Devices(t)
            device = devices.by_id(device_id)
            if device is None or not principal.covers(device.path):
                return False
            devices.revoke(device_id, self._clock())
            t.audit(
                audit_entry(
                    principal.name, f"tablet-revoked {device_id}", device.path, "done", caller
                )
            )
        return True

    def _is_good(self, device: DeviceRow) -> bool:
        now = self._clock()
        if device.revoked_at is not None or device.enrolled_at is None or device.seen_at is None:
            return False
        return now - device.seen_at <= DISUSE and now - device.enrolled_at < LIFE


def name_of(device: DeviceRow) -> str:
    """Return how the audit names a tablet."""
    return f"tablet-{device.device_id}"
