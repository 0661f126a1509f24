"""What documents are made of: the closed records of a programme, as whoever asks may see them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from assessment.programme.desk import holding
from assessment.sharing.releasing import Release
from store.assessment.record import EnterpriseRow, PilotTransaction, ProgrammeRow, RecordRow


@dataclass(frozen=True, slots=True)
class Assessed:
    """A closed assessment with its figures by metric."""

    enterprise: EnterpriseRow
    record: RecordRow
    content: Mapping[str, Any]
    figures: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that a document of a programme may cite."""

    programme: ProgrammeRow
    day: date
    """Of the document; names of organisations and *số liệu đến ngày* go by it."""
    enterprises: Sequence[EnterpriseRow]
    records: Sequence[RecordRow]
    assessed: Sequence[Assessed]
    released: Sequence[Release]

    def values_of(self, kind: str, period: str | None = None) -> Mapping[str, str]:
        """Return the answers of the newest record of a kind that holds, {} without one."""
        found = [
            one
            for one in self.records
            if one.kind == kind and (period is None or one.period == period)
        ]
        if not found:
            return {}
        values: Mapping[str, str] = json.loads(found[-1].content).get("values", {})
        return values

    def of_kind(self, kind: str) -> list[RecordRow]:
        """Return the records of a kind that hold."""
        return [one for one in self.records if one.kind == kind]


def material_of(
    t: PilotTransaction,
    programme: ProgrammeRow,
    day: date,
    own: RecordRow | None = None,
    released: Sequence[Release] = (),
) -> Material:
    """Return the material of a programme; `own` is a record that is being written (a preview)."""
    enterprises = t.enterprises(programme.programme_id)
    names = {one.enterprise: one for one in enterprises}
    records = holding(t.records(programme.programme_id))
    assessed = [
        Assessed(
            names[one.enterprise],
            one,
            json.loads(one.content),
            {row.metric_code: json.loads(row.content) for row in t.evidence(one.record_id)},
        )
        for one in records
        if one.kind == "assessment" and one.enterprise in names
    ]
    if own is not None:
        records = [one for one in records if one.record_id != own.record_id] + [own]
    return Material(programme, day, enterprises, records, assessed, released)
