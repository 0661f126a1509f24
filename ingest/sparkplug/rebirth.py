"""When which node is asked for its births: once for many causes, and not again and again."""

from collections.abc import Iterable
from dataclasses import dataclass

from plant.sparkplug import NodeId

_LONGEST_PAUSE_S = 300.0
_ARRIVAL_S = 1.0
_BURST_S = 1.0
"""So much of the rate may be used at once."""


@dataclass(slots=True)
class _Asked:
    at: float
    pause_s: float
    answered: bool = False


class RebirthRequests:
    """Debounces requests. Times are seconds of a clock that never jumps."""

    def __init__(self, delay_s: float, pause_s: float, most_per_s: float = 100.0) -> None:
        """A request waits `delay_s` for a birth that comes by itself; see `due`."""
        self._delay_s = delay_s
        self._pause_s = pause_s
        self._most_per_s = most_per_s
        self._free_at = float("-inf")
        """When so many were asked that one more may be."""
        self._due: dict[NodeId, float] = {}
        self._asked: dict[NodeId, _Asked] = {}

    def want(self, node: NodeId, now: float) -> None:
        """Ask a node before long; a second wish before that changes nothing."""
        if node in self._due:
            return
        last = self._asked.get(node)
        earliest = last.at + last.pause_s if last else now
        self._due[node] = max(now + self._delay_s, earliest)

    def want_all(self, nodes: Iterable[NodeId], now: float) -> None:
        """Ask these and no others, however often they were asked before.

        Those that wait for their primary host have a moment to come by themselves.
        """
        # The host itself is new here: that nobody answered the one before says nothing.
        self._asked.clear()
        self._due = dict.fromkeys(nodes, now + max(self._delay_s, _ARRIVAL_S))

    def born(self, node: NodeId, *, afresh: bool = True) -> None:
        """Take note that a node announced itself: there is nothing left to ask.

        One that says the same bytes as before, and not `afresh`, may do so for ever: what it says
        is taken, but the requests go on to become rarer.
        """
        self._due.pop(node, None)
        if afresh and node in self._asked:
            self._asked[node].answered = True

    def due(self, now: float) -> list[NodeId]:
        """Return the nodes to be asked now.

        Two requests to a node are `pause_s` apart at least, and twice as long each time that it
        did not answer the one before. Births are large: those of many nodes are asked for one
        after the other, `most_per_s`.
        """
        nodes = [node for node, at in self._due.items() if at <= now]
        step_s = 1 / self._most_per_s
        # What was not used of the rate is not saved up, but for a second.
        self._free_at = max(self._free_at, now - _BURST_S)
        nodes = nodes[: max(0, int((now - self._free_at) / step_s + 1e-6))]
        self._free_at += len(nodes) * step_s
        for node in nodes:
            del self._due[node]
            last = self._asked.get(node)
            pause_s = self._pause_s
            if last is not None and not last.answered:
                pause_s = min(2 * last.pause_s, _LONGEST_PAUSE_S)
            self._asked[node] = _Asked(now, pause_s)
        return nodes
