"""What an MES or ERP knows and OEE needs: one document model per kind, and the checks on them.

Every way in (HTTP, files, MQTT, XML, a foreign database) turns what it reads into these documents
with `parse`; only `store.mes` writes them. Pure: no file, socket or database is opened here.
"""

from plant.mes.document import MesDocument
from plant.mes.kind import KINDS, document_type
from plant.mes.parsing import Located, Parsed, parse
from plant.mes.problem import Problem, Reason, Report

__all__ = [
    "KINDS",
    "Located",
    "MesDocument",
    "Parsed",
    "Problem",
    "Reason",
    "Report",
    "document_type",
    "parse",
]
