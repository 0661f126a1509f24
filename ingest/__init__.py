"""From the broker to the database: decode, validate, write data and ledger in one transaction."""

from ingest.configuration import push_configuration
from ingest.replay import Replayed, replay_rejected
from ingest.service import run
from ingest.settings import IngestSettings

__all__ = ["IngestSettings", "Replayed", "push_configuration", "replay_rejected", "run"]
