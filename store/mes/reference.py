"""Whether what documents refer to exists."""

import difflib
from collections.abc import Iterator, Sequence

from plant.mes.document import Reference, Target
from plant.mes.parsing import Located
from plant.mes.problem import Problem, Reason
from store.engine.connection import Connection
from store.engine.queries import queries

_Q = queries("mes/mes")
_MOST_HINTS = 50
_QUERIES = {
    Target.PRODUCT: "known_products",
    Target.ORDER: "known_orders",
    Target.LOT: "known_lots",
    Target.SCRAP_REASON: "known_scrap_reasons",
    Target.REWORK_REASON: "known_rework_reasons",
}
Name = tuple[str, str]
"""Scope and code."""


class References:
    """Looks references up, a batch at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._places: frozenset[str] | None = None
        self._hints = 0

    def missing(self, batch: Sequence[Located]) -> Iterator[tuple[Located, list[Problem]]]:
        """Yield each document with what it refers to and is not there."""
        wanted = [[] if one.withdrawn else list(one.document.references()) for one in batch]
        found = {
            target: self._found(
                target,
                {(ref.scope, ref.code) for refs in wanted for ref in refs if ref.target is target},
            )
            for target in Target
        }
        for one, references in zip(batch, wanted, strict=True):
            yield (
                one,
                [
                    Problem(
                        one.origin.of(reference.field),
                        reference.field,
                        Reason.UNKNOWN_REFERENCE,
                        self._words(reference),
                    )
                    for reference in references
                    if (reference.scope, reference.code) not in found[reference.target]
                ],
            )

    def _found(self, target: Target, names: set[Name]) -> set[Name]:
        if not names:
            return set()
        if target is Target.PLACE:
            return {name for name in names if name[1] in self._known_places()}
        ordered = sorted(names)
        parameters = {
            "scopes": [scope for scope, _ in ordered],
            "codes": [code for _, code in ordered],
        }
        return {
            (scope, code)
            for scope, code in self._connection.execute(_Q[_QUERIES[target]], parameters)
        }

    def _known_places(self) -> frozenset[str]:
        if self._places is None:
            self._places = frozenset(row[0] for row in self._connection.execute(_Q["paths"]))
        return self._places

    def _words(self, reference: Reference) -> str:
        what = reference.target.value.replace("_", " ")
        if reference.target is not Target.PLACE:
            return f"there is no {what} '{reference.code}' in {reference.scope}"
        hint = ""
        if self._hints < _MOST_HINTS:
            self._hints += 1
            near = difflib.get_close_matches(reference.code, self._known_places(), n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
        return f"there is no place '{reference.code}'{hint}"
