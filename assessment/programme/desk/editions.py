"""Criteria sets by their edition: those that come with the project, and imported ones."""

import json

from assessment.framework import CriteriaSet, Orientation, framework_from_json, shipped
from assessment.programme.content import (
    canonical_text,
    digest_of,
)
from assessment.programme.workflow import Actor, Office
from plant.clock import Clock
from plant.errors import DataError
from store.assessment.record import PilotStore


class Editions:
    """Frameworks of one installation."""

    def __init__(self, writer: PilotStore, reader: PilotStore, clock: Clock) -> None:
        self._writer = writer
        self._reader = reader
        self._clock = clock

    def criteria(self, edition: str) -> CriteriaSet:
        """Return the criteria set of an edition, shipped or imported.

        Raises:
            DataError: There is none.
        """
        found = self.framework(edition)
        if not isinstance(found, CriteriaSet):
            raise DataError("not_scored", f"{edition} chỉ để định hướng")
        return found

    def framework(self, edition: str) -> CriteriaSet | Orientation:
        """Return a framework by its edition.

        Raises:
            DataError: There is none.
        """
        for one in self.frameworks():
            if one.edition == edition:
                return one
        raise DataError("unknown_framework", f"không có bộ tiêu chí {edition!r}")

    def frameworks(self) -> list[CriteriaSet | Orientation]:
        """Return every framework: shipped ones, then imported ones."""
        with self._reader.transaction() as t:
            imported = [framework_from_json(one.document) for one in t.frameworks()]
        return [*(shipped(one) for one in ("DBI-SME-1970", "DBI-1567", "SIRI")), *imported]

    def add_framework(self, actor: Actor, document: str) -> str:
        """Keep an edition that was imported or edited; return its name.

        Raises:
            DataError: The actor is no officer, the document is not sound, or the edition is there.
        """
        if actor.office is not Office.OFFICER:
            raise DataError("not_allowed", "chỉ Phòng Quản lý Công nghiệp nhập bộ tiêu chí")
        framework = framework_from_json(document)
        if any(one.edition == framework.edition for one in self.frameworks()):
            raise DataError("edition_exists", f"{framework.edition} đã có; hãy tăng phiên bản")
        text = canonical_text(json.loads(document))
        with self._writer.transaction() as t:
            t.do(
                "add_framework",
                {
                    "edition": framework.edition,
                    "document": text,
                    "sha256": digest_of(text),
                    "who": actor.name,
                    "at": self._clock(),
                },
            )
        return framework.edition
