"""Sets of outbox ids as sorted, half-open spans: what is committed, dropped or missing."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter

Span = tuple[int, int]
"""Ids from the first up to, not including, the second."""


@dataclass(frozen=True, slots=True)
class IdSet:
    """A set of ids; `spans` are sorted, never empty, and never touch each other."""

    spans: tuple[Span, ...] = ()

    @classmethod
    def of(cls, spans: Iterable[Span]) -> "IdSet":
        """Return the set of all ids in the spans, which may overlap and come in any order."""
        merged: list[Span] = []
        for start, stop in sorted(span for span in spans if span[0] < span[1]):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
            else:
                merged.append((start, stop))
        return cls(tuple(merged))

    def union(self, other: "IdSet") -> "IdSet":
        """Return the ids that are in either set."""
        if not other.spans:
            return self
        if not self.spans:
            return other
        # Ids come in order nearly always.
        last, (start, stop) = self.spans[-1], other.spans[0]
        if start > last[1]:
            return IdSet(self.spans + other.spans)
        if start == last[1]:
            return IdSet((*self.spans[:-1], (last[0], stop), *other.spans[1:]))
        return IdSet.of((*self.spans, *other.spans))

    def missing(self, start: int, stop: int) -> list[Span]:
        """Return the spans of `[start, stop)` that are not in the set, in order."""
        gaps = []
        # By their ends, which are sorted as well, since spans never overlap: what ends before
        # cannot count.
        first = bisect_right(self.spans, start, key=itemgetter(1))
        for low, high in self.spans[first:]:
            if low >= stop:
                break
            if low > start:
                gaps.append((start, low))
            start = max(start, high)
        if start < stop:
            gaps.append((start, stop))
        return gaps

    def contiguous_to(self) -> int:
        """Return the highest id up to which every id from 1 is in the set; 0 for none."""
        if not self.spans or self.spans[0][0] > 1:
            return 0
        return max(self.spans[0][1] - 1, 0)

    def __len__(self) -> int:
        return sum(stop - start for start, stop in self.spans)


EMPTY = IdSet()
"""No ids."""
