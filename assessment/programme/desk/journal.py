"""What the journals of an enterprise say of checks and decisions."""

import json
from collections.abc import Sequence
from dataclasses import replace

from assessment.evidence.inputs import CheckedShift
from assessment.programme.desk.held import LIVE
from assessment.programme.gathering import Declared
from plant.errors import DataError
from store.assessment.record import RecordRow


def declared_in(records: Sequence[RecordRow], period: str) -> Declared:
    """Return what the journals of the months of a period say of checks and decisions."""
    first, last = (part.replace("-", "")[:6] for part in period.split("_"))
    held = Declared()
    for one in records:
        if one.kind != "journal" or one.status not in LIVE or not first <= one.period <= last:
            continue
        values = json.loads(one.content).get("values", {})
        held = replace(held, checks=(*held.checks, *_checks(one.period, values.get("checks", ""))))
        if "decisions" in values:
            with_metric = _whole(one.period, values.get("decisions_with_metric", "0"))
            held = replace(
                held,
                decisions=(held.decisions or 0) + _whole(one.period, values["decisions"]),
                decisions_with_metric=(held.decisions_with_metric or 0) + with_metric,
            )
    return held


def _whole(month: str, text: str) -> int:
    if not text.strip().isdecimal() or len(text) > 9:
        words = f"nhật ký {month}: số quyết định {text[:20]!r} phải là số nguyên"
        raise DataError("decisions_not_valid", words)
    return int(text)


def _checks(month: str, text: str) -> list[CheckedShift]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < 4:
            continue
        try:
            automatic, inspected = int(cells[1]), int(cells[2])
        except ValueError as exc:
            words = f"nhật ký {month}, dòng kiểm chứng {number}: số đếm phải là số nguyên"
            raise DataError("check_not_valid", words) from exc
        found.append(CheckedShift(cells[0], automatic, inspected, cells[3] == "đã ký"))
    return found
