"""What becomes of a message of an MES before anything is written."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

from ingest.decoding.message import Message, Source
from ingest.mes.intake import MesIntake
from ingest.mes.settings import MesSettings
from ingest.selfstat import Selfstat
from plant.mes import Report
from store.mes.store import MesStore
from store.rejection.rejection import Rejection

NOW = datetime(2026, 3, 3, tzinfo=UTC)
PRODUCT = b'{"enterprise": "dong-nai", "code": "truc", "name_vi": "Tr\xe1\xbb\xa5c"}'


class MemoryStore:
    """Counts what would be written and keeps what is refused."""

    def __init__(self) -> None:
        self.written = 0
        self.rejections: list[Rejection] = []

    def write(self, *_: Any, **__: Any) -> Report:
        self.written += 1
        return Report(committed=True)

    def reject(self, rejections: Sequence[Rejection]) -> None:
        self.rejections += rejections


def test_a_retained_document_is_refused_and_kept() -> None:
    store = MemoryStore()
    intake = MesIntake(
        cast("Source", None), cast("MesStore", store), MesSettings(), Selfstat(), lambda: NOW
    )
    topic = "nm/v1/dong-nai/bien-hoa/mes/products"

    intake.take(Message(topic, PRODUCT, NOW, retained=True))
    intake.take(Message(topic, PRODUCT, NOW))

    assert store.written == 1
    assert [(one.reason, one.raw, one.once) for one in store.rejections] == [
        ("retained", PRODUCT, True)
    ]
