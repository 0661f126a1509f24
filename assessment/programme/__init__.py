"""The pilot programme: records, their way through the offices, their evidence."""

from assessment.programme.content import canonical_text, chain_faults_vi, digest_of
from assessment.programme.desk import Desk
from assessment.programme.kind import KINDS, Kind
from assessment.programme.workflow import Actor, Office, Status, next_steps

__all__ = [
    "KINDS",
    "Actor",
    "Desk",
    "Kind",
    "Office",
    "Status",
    "canonical_text",
    "chain_faults_vi",
    "digest_of",
    "next_steps",
]
