"""The one text of a record's content, its digest, and the chain of its steps."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from store.assessment.record import EvidenceRow, MachineRow, RecordRow, StepRow


def canonical_text(content: Any) -> str:
    """Return content as JSON in one form: sorted keys, no blanks."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest_of(text: str) -> str:
    """Return the SHA-256 of a text, as hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def machines_digest(machines: Sequence[MachineRow]) -> str:
    """Return the SHA-256 of a register's machines, in the order of their codes."""
    rows = [
        [one.code, one.name_vi, one.department, one.maker, one.model, one.made_in, one.work_unit]
        for one in sorted(machines, key=lambda one: one.code)
    ]
    return digest_of(canonical_text(rows))


def step_hash(
    before: str,
    record_id: int,
    position: int,
    way: tuple[str, str],
    who: str,
    office: str,
    at: datetime,
    comment: str,
    sha256: str,
) -> str:
    """Return the hash of a step, chained to the one before (empty for the first)."""
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    said = [before, record_id, position, *way, who, office, moment, comment, sha256]
    return digest_of(canonical_text(said))


def chain_faults_vi(
    record: RecordRow,
    steps: Sequence[StepRow],
    evidence: Sequence[EvidenceRow] = (),
    machines: Sequence[MachineRow] | None = None,
) -> list[str]:
    """Return what was changed behind the back of the workflow, each fault with its place.

    `machines` of a register are compared where they are given.
    """
    name = f"hồ sơ {record.record_id}"
    found = []
    if digest_of(record.content) != record.sha256:
        found.append(f"{name}: nội dung không khớp mã băm của nó")
    before, status = "", "draft"
    for number, step in enumerate(steps, 1):
        place = f"{name}, bước {number}"
        hashed = step_hash(
            before,
            step.record_id,
            step.position,
            (step.from_status, step.to_status),
            step.who,
            step.office,
            step.at,
            step.comment,
            step.sha256,
        )
        if step.position != number or step.record_id != record.record_id:
            found.append(f"{place}: thiếu bước hoặc sai thứ tự")
        if step.from_status != status:
            found.append(f"{place}: không nối tiếp trạng thái '{status}'")
        if hashed != step.hash:
            found.append(f"{place}: bị thay đổi, hoặc bước trước nó bị thay đổi")
        before, status = step.hash, step.to_status
    if status != record.status:
        found.append(f"{name}: trạng thái '{record.status}' không phải của bước cuối '{status}'")
    if steps and record.status != "draft" and steps[-1].sha256 != record.sha256:
        found.append(f"{name}: nội dung không phải nội dung của bước cuối")
    try:
        content = json.loads(record.content)
    except ValueError:
        return [*found, f"{name}: nội dung không đọc được"]
    found += _evidence_faults(name, content.get("evidence", {}), evidence)
    if (
        machines is not None
        and "machines_sha256" in content
        and machines_digest(machines) != content["machines_sha256"]
    ):
        found.append(f"{name}: danh mục máy bị thay đổi")
    return found


def _evidence_faults(
    name: str, named: dict[str, str], evidence: Sequence[EvidenceRow]
) -> Iterator[str]:
    kept = {one.metric_code: one for one in evidence}
    for code in sorted(named.keys() | kept.keys()):
        row = kept.get(code)
        if row is None:
            yield f"{name}, số đo {code}: bị mất"
        elif code not in named:
            yield f"{name}, số đo {code}: không có trong hồ sơ"
        elif digest_of(row.content) != named[code] or row.sha256 != named[code]:
            yield f"{name}, số đo {code}: bị thay đổi"
