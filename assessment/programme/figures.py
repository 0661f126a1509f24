"""Figures as a record keeps them: evidence as canonical JSON, proposals from it, and back again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Final

import numpy as np

from assessment.evidence import METRICS, Evidence, Window, evidence, number_vi
from assessment.evidence.decoding import inputs_of
from assessment.evidence.figure import Part, canonical
from assessment.framework import CriteriaSet, Telemetry
from assessment.programme.content import canonical_text
from assessment.programme.gathering import Gathered
from assessment.scoring import ConfirmedDocuments, DataQuality, GateSettings, Proposal, propose
from plant.errors import DataError

SEED: Final = 20_260
"""Of E18's draws: the same inputs give the same interval."""
_MAPPED: Final = "DBI-SME-1970"
"""The framework whose criteria the metrics are evidence for; for others nothing is proposed."""


@dataclass(frozen=True, slots=True)
class Computed:
    """The figures of a window: evidence and inputs by metric, as canonical JSON."""

    evidence: dict[str, str]
    inputs: dict[str, str]


def compute(gathered: Gathered, window: Window, gate: GateSettings) -> Computed:
    """Return every metric of a window."""
    figures, inputs = {}, {}
    for code in METRICS:
        held = gathered.inputs.get(code)
        found = evidence(
            code,
            window,
            held,
            gathered.quality,
            coverage=gathered.coverage,
            gate=gate,
            generator=np.random.default_rng(SEED),
            missing_vi=gathered.missing_vi.get(code),
        )
        figures[code] = canonical_text(as_json(found))
        if held is not None:
            inputs[code] = canonical_text(canonical(held))
    return Computed(figures, inputs)


def again(figure: Mapping[str, Any], inputs: str) -> dict[str, Any]:
    """Return a figure computed again from its inputs, under the gate's verdict that it has.

    Raises:
        DataError: The inputs cannot be read.
    """
    try:
        content = json.loads(inputs)
    except ValueError as exc:
        raise DataError("inputs_not_valid", str(exc)) from exc
    window = window_of(figure)
    found = evidence(
        figure["metric"],
        window,
        inputs_of(content),
        quality_of(figure),
        coverage=Fraction(figure["coverage"]) if figure["coverage"] is not None else None,
        generator=np.random.default_rng(SEED),
    )
    return {
        **as_json(found),
        "below_gate_vi": figure["below_gate_vi"],
        "shown_vi": figure["shown_vi"],
    }


def as_json(found: Evidence) -> dict[str, Any]:
    """Return evidence as JSON; ratios are exact."""
    outcome = found.outcome
    return {
        "metric": found.metric_code,
        "label_vi": found.label_vi,
        "formula_version": found.formula_version,
        "from": canonical(found.window.start),
        "to": canonical(found.window.end),
        "value": canonical(outcome.value),
        "unit": found.unit,
        "shown_vi": found.shown_vi,
        "n_samples": outcome.n_samples,
        "parts": [
            [one.label_vi, canonical(one.value), one.unit, number_vi(one.value, one.unit)]
            for one in outcome.parts
        ],
        "missing_vi": outcome.missing_vi,
        "levels": [[criterion, level] for criterion, level in _levels(found)],
        "notes_vi": list(outcome.notes_vi),
        "coverage": canonical(found.coverage),
        "quality": canonical(found.quality),
        "below_gate_vi": list(found.below_gate_vi),
        "inputs_hash": found.inputs_hash,
        "can_show_vi": found.can_show_vi,
        "limits_vi": found.limits_vi,
    }


def _levels(found: Evidence) -> list[tuple[str, int]]:
    # That nobody told of a robot is no sign that there is none.
    return [one for one in found.outcome.levels if one != ("3.2.11", 0)]


def window_of(figure: Mapping[str, Any]) -> Window:
    """Return the window of a figure."""
    return Window(datetime.fromisoformat(figure["from"]), datetime.fromisoformat(figure["to"]))


def quality_of(figure: Mapping[str, Any]) -> DataQuality:
    """Return the data quality that a figure was made with."""
    held = figure["quality"]

    def span(value: Mapping[str, int] | None) -> timedelta | None:
        return None if value is None else timedelta(microseconds=value["us"])

    completeness = held["completeness"]
    return DataQuality(
        span(held["period"]),
        Fraction(completeness) if completeness is not None else None,
        span(held["clock_error"]),
    )


def proposals(
    framework: CriteriaSet,
    figures: Mapping[str, Mapping[str, Any]],
    documents: ConfirmedDocuments,
    gate: GateSettings,
) -> dict[str, dict[str, Any]]:
    """Return what evidence supports by criterion, as JSON; no sum of it exists.

    Of several metrics the one that supports most counts; each criterion names all its metrics.
    """
    found: dict[str, dict[str, Any]] = {}
    if framework.id != _MAPPED:
        return found
    for criterion in framework.criteria:
        metrics = [code for code, one in METRICS.items() if criterion.id in one.criteria]
        if criterion.telemetry is Telemetry.NONE or not metrics:
            continue
        best: tuple[int, str] | None = None
        for code in metrics:
            level = dict(figures[code]["levels"]).get(criterion.id) if code in figures else None
            if level is not None and (best is None or level > best[0]):
                best = (level, code)
        used = figures.get(best[1] if best else metrics[0])
        if used is None:
            continue
        proposal = propose(
            framework,
            criterion.id,
            best[0] if best else None,
            quality_of(used),
            documents,
            gate,
            _why_none(used),
        )
        found[criterion.id] = _proposal_json(proposal, metrics, best[1] if best else None)
    return found


def _why_none(figure: Mapping[str, Any]) -> str:
    return figure["missing_vi"] or "số đo này không tự cho biết mức nào"


def _proposal_json(proposal: Proposal, metrics: list[str], by: str | None) -> dict[str, Any]:
    return {
        "level": proposal.level,
        "cap": proposal.cap.value if proposal.cap else None,
        "reasons_vi": list(proposal.reasons_vi),
        "shown_vi": proposal.shown_vi,
        "metrics": metrics,
        "by": by,
        "version": proposal.version,
    }


def part_of(figure: Mapping[str, Any], label_vi: str) -> Part | None:
    """Return a part of a figure by its label."""
    for label, value, unit, _ in figure["parts"]:
        if label == label_vi:
            return Part(label, number_of(value), unit)
    return None


def number_of(value: Any) -> Fraction | float | int | None:
    """Return a number as canonical JSON has it."""
    match value:
        case None | int():
            return value
        case str():
            return Fraction(value)
        case {"float": digits}:
            return float.fromhex(digits)
    raise DataError("number_not_valid", repr(value))
