"""What is still to be read from a server's history.

It is kept with the readings, so that a kill costs nothing while live values go on.
"""

import json
from collections.abc import Iterable, Mapping

Start = int
"""Source time in microseconds from which a tag is to be read."""


class Gaps:
    """By tag from where its history is to be read, up to one moment for all.

    Live values are delivered meanwhile: the newest value taken says nothing about a gap any more.
    """

    def __init__(self, kept: str | None = None) -> None:
        """Take up what an earlier agent left, as `text` gave it; what is none of it is nothing."""
        self._starts: dict[str, Start] = {}
        try:
            found = json.loads(kept) if kept else {}
        except ValueError:
            found = {}
        if isinstance(found, dict) and isinstance(starts := found.get("gaps"), dict):
            self._starts = {
                str(tag): start for tag, start in starts.items() if isinstance(start, int)
            }

    def __bool__(self) -> bool:
        return bool(self._starts)

    def open(self, starts: Mapping[str, Start]) -> None:
        """Note where tags are to be read from; a gap that is open already begins no later."""
        for tag, start in starts.items():
            self._starts[tag] = min(start, self._starts.get(tag, start))

    def start(self, tag: str) -> Start | None:
        """Return from where a tag is to be read."""
        return self._starts.get(tag)

    def close(self, tags: Iterable[str]) -> None:
        """Note that tags have been read, or have no history."""
        for tag in tags:
            self._starts.pop(tag, None)

    def reach(self, tag: str, read_to: Start) -> None:
        """Note how far a tag has been read."""
        if tag in self._starts:
            self._starts[tag] = max(read_to, self._starts[tag])

    def keep_only(self, tags: Iterable[str]) -> None:
        """Forget tags that are no longer read."""
        wanted = set(tags)
        self._starts = {tag: start for tag, start in self._starts.items() if tag in wanted}

    def text(self) -> str:
        """Return what a later agent takes up."""
        return json.dumps({"gaps": self._starts}, separators=(",", ":"))
