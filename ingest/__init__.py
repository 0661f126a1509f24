"""From the broker to the database: decode, validate, write data and ledger in one transaction."""

from ingest.replay import Replayed, replay_rejected
from ingest.service import run
from ingest.settings import IngestSettings

__all__ = ["IngestSettings", "Replayed", "replay_rejected", "run"]
