"""Files of a record for a signed bundle, and the check of their figures from their inputs."""

import json
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from assessment.programme.content import canonical_text, chain_faults_vi, digest_of
from assessment.programme.figures import again
from plant.errors import DataError
from store.assessment.record import PilotTransaction, RecordRow, StepRow

RECORD, STEPS = "record.json", "steps.json"


def files_of(t: PilotTransaction, record: RecordRow, *, inputs: bool) -> dict[str, bytes]:
    """Return a record's content, steps, figures and files; with `inputs` what figures came from.

    Inputs say what single machines did: they belong into the enterprise's own bundle only.

    Raises:
        DataError: The record was changed past its workflow.
    """
    steps, evidence = t.steps(record.record_id), t.evidence(record.record_id)
    if faults := chain_faults_vi(record, steps, evidence):
        raise DataError("record_damaged", "; ".join(faults))
    files = {
        RECORD: canonical_text(
            {
                "record_id": record.record_id,
                "enterprise": record.enterprise,
                "kind": record.kind,
                "period": record.period,
                "version": record.version,
                "status": record.status,
                "sha256": record.sha256,
                "content": record.content,
            }
        ).encode(),
        STEPS: canonical_text([_step(one) for one in steps]).encode(),
    }
    for row in evidence:
        files[f"evidence/{row.metric_code.lower()}.json"] = row.content.encode()
    for attachment in t.attachments(record.record_id):
        found = t.attachment(attachment.attachment_id)
        if found is not None:
            files[f"files/{attachment.attachment_id}.bin"] = found[2]
    if inputs:
        for code, text in t.evidence_inputs(record.record_id).items():
            files[f"inputs/{code.lower()}.json"] = text.encode()
    return files


def _step(one: StepRow) -> dict[str, Any]:
    return {
        "position": one.position,
        "from": one.from_status,
        "to": one.to_status,
        "who": one.who,
        "office": one.office,
        "at": one.at.astimezone(UTC).isoformat(),
        "comment": one.comment,
        "sha256": one.sha256,
        "hash": one.hash,
    }


def check_figures(files: Mapping[str, bytes]) -> tuple[list[str], list[str]]:
    """Return which figures were computed again alike, and what is wrong, in Vietnamese.

    Raises:
        DataError: There is no record in the bundle, or it cannot be read.
    """
    try:
        record = json.loads(files[RECORD])
        content = json.loads(record["content"])
    except (KeyError, ValueError, TypeError) as exc:
        raise DataError("bundle_not_valid", f"{RECORD}: {exc}") from exc
    faults = []
    if digest_of(record["content"]) != record["sha256"]:
        faults.append(f"{RECORD}: nội dung không khớp mã băm")
    alike = []
    for code, digest in sorted(content.get("evidence", {}).items()):
        name = f"evidence/{code.lower()}.json"
        text = files.get(name, b"").decode()
        if digest_of(text) != digest:
            faults.append(f"{name}: không khớp hồ sơ")
            continue
        inputs = files.get(f"inputs/{code.lower()}.json")
        if inputs is None:
            continue
        figure = json.loads(text)
        if again(figure, inputs.decode()) == figure:
            alike.append(code)
        else:
            faults.append(f"{name}: tính lại từ đầu vào ra kết quả khác")
    return alike, faults
