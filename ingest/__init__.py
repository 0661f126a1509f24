"""From the broker to the database: decode, validate, write data and ledger in one transaction."""

from ingest.service import run
from ingest.settings import IngestSettings

__all__ = ["IngestSettings", "run"]
