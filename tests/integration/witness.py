"""An honest edge of another enterprise: whatever somebody else sends, its acks must keep coming."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from plant.description import PlantDescription
from plant.native.message import EdgeAddress, TagDeclaration
from plant.settings import DatabaseSettings
from store import load_plant
from tests.integration.fake_edge import ROWS, FakeEdge
from tests.integration.ingests import fetched
from tests.plants.deliveries import TAGS, plant
from tests.waiting import HANG_S, wait_until

ENTERPRISE = "thuc-pham-thu"
WITNESS = EdgeAddress(ENTERPRISE, "long-thanh", "edge-1")
LONGEST_S = HANG_S / 2
"""Only what stops is told from what is slow here: how long an answer takes on a quiet machine is
measured by `python -m bench messages`. What this looks for kept all sites from any for ever."""


def other_plant() -> PlantDescription:
    """Return the plant of the witness: the same machines in another enterprise."""
    content = plant().model_dump(mode="json", exclude_none=True)
    content["enterprise"] = {"code": ENTERPRISE, "name_vi": "Thực phẩm thử"}
    content["sites"][0]["code"] = WITNESS.site
    return PlantDescription.model_validate(content)


def own_tags() -> list[TagDeclaration]:
    """Return the tags of the witness."""
    content = [(tag, tag.work_unit.split("/", 2)[2]) for tag in TAGS]
    return [
        TagDeclaration(tag.name, f"{WITNESS.site_path}/{unit}", tag.value_type, tag.role, tag.unit)
        for tag, unit in content
    ]


class Witness(FakeEdge):
    """Sends a message, waits for its ack, sends the next, and remembers the longest wait."""

    def __init__(self, port: int) -> None:
        super().__init__(port, WITNESS)
        self.longest_s = 0.0
        self.sent = 0
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def start(self) -> None:
        """Announce itself and begin."""
        self.announce(own_tags())
        self._thread.start()

    def _work(self) -> None:
        while not self._leaving.is_set():
            self.publish(self.sent, 1)
            self.sent += 1
            began = time.monotonic()
            while self.committed_to < self.sent * ROWS and not self._leaving.is_set():
                time.sleep(0.005)
                self.longest_s = max(self.longest_s, time.monotonic() - began)
            time.sleep(0.05)

    def hears(self, acks: int) -> None:
        """Return after some more acks."""
        until = self.sent + acks
        wait_until(lambda: self.sent >= until, what="acks of the honest edge")

    def close(self) -> None:
        """End once the last message is acknowledged."""
        self._leaving.set()
        self._thread.join()
        self.deliver(self.sent)
        super().close()


@contextmanager
def witnessed(port: int, database: DatabaseSettings) -> Iterator[Witness]:
    """Have an honest edge beside what happens; afterwards everything of it must be stored.

    To be entered while an ingest is running, or about to.
    """
    load_plant(database, other_plant())
    witness = Witness(port)
    try:
        witness.start()
        witness.hears(3)
        witness.longest_s = 0.0
        yield witness
        witness.hears(3)
    finally:
        witness.close()
    assert fetched(
        database,
        "select committed::text from delivery_ledger join edge using (edge_id) "
        f"join place on place_id = site_id where path = '{WITNESS.site_path}'",
    ) == [(f"{{[1,{witness.sent * ROWS + 1})}}",)]
    assert witness.longest_s < LONGEST_S
