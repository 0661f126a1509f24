"""Who computes first when the database waits: threads of one interpreter take turns.

A thread that comes back from waiting has to ask for the interpreter, and gets it when the thread
that computes has had its 5 ms. The writer comes back several times between two COPYs, and meanwhile
the database does nothing: 24 % of the time, measured. Whoever else computes therefore looks between
two messages whether the writer has claimed the way, and waits until the database is at work again.
"""

from threading import Event
from time import monotonic


class RightOfWay:
    """Held by the writer from the end of one COPY to the beginning of the next."""

    def __init__(self, longest_s: float = 0.1) -> None:
        """Remember how long a claim lasts that is not renewed: a database may not answer at all."""
        self._longest_s = longest_s
        self._free = Event()
        self._free.set()
        self._until = 0.0

    def claim(self) -> None:
        """Make the others wait, from their next message on; again: for longer."""
        self._until = monotonic() + self._longest_s
        self._free.clear()

    def release(self) -> None:
        """Let the others go on."""
        self._free.set()

    def give_way(self) -> None:
        """Wait while the writer claims the way."""
        if not self._free.is_set():
            self._free.wait(self._until - monotonic())
