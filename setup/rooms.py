"""Draws docs/pictures/rooms.svg from the imports: every package, its rooms, what stands on what.

Run it from the checkout: `.venv/bin/python -m setup.rooms`. A room is a folder or a module right
inside a package; folders have the darker frame. It stands one floor above the highest room that
it imports, so arrows only lead down; those that follow from others are left out. The graph is
grimp's, which import-linter brings.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import grimp

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs/pictures/rooms.svg"

LINES = (
    ("nhipmay",),
    ("simulators", "edge_agent", "ingest"),
    ("analytics", "assessment", "api", "dashboards"),
    ("store", "plant"),
)
"""How the packages are laid out; each line is read as the data flow."""

_LETTER, _BOX_PADDING, _BOX_HEIGHT = 6.3, 8, 20
_GAP, _FLOOR, _FRAME_PADDING, _HEAD, _BETWEEN = 10, 42, 14, 44, 22
_MOST_IN_A_LINE = 4
_STYLE = (
    "text{font:11px system-ui,sans-serif;fill:#1d2733}.n{font-weight:600;font-size:14px}"
    ".i{fill:#5a6775;font-size:10px}.f{fill:#f6f8fa;stroke:#c4ccd4}.b{fill:#fff;stroke:#52708f}"
    ".m{fill:#fff;stroke:#c4ccd4}path{stroke:#8fa3b8;fill:none}"
)

Rooms = Mapping[str, set[str]]
"""By room of a package: the rooms that it imports."""


def reduced(rooms: Rooms) -> dict[str, set[str]]:
    """Return the imports without those that follow from others."""
    return {
        room: {
            below
            for below in imported
            if not any(below in _reached(rooms, other) for other in imported if other != below)
        }
        for room, imported in rooms.items()
    }


def floors(rooms: Rooms) -> list[list[str]]:
    """Return the rooms floor by floor, the top one first, by name within a floor.

    Raises:
        ValueError: Some rooms stand on one another in a circle.
    """
    heights: dict[str, int] = {}

    def height(room: str, above: tuple[str, ...]) -> int:
        if room in above:
            raise ValueError(f"a circle of rooms: {' → '.join((*above, room))}")
        if room not in heights:
            heights[room] = 1 + max(
                (height(below, (*above, room)) for below in rooms[room]), default=-1
            )
        return heights[room]

    ranked = sorted(rooms, key=lambda room: (-height(room, ()), room))
    return [list(floor) for _, floor in groupby(ranked, key=heights.__getitem__)]


def _reached(rooms: Rooms, start: str) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        new = rooms[waiting.pop()] - seen
        seen |= new
        waiting += new
    return seen


def rooms_of(graph: grimp.ImportGraph, package: str, ignored: set[tuple[str, str]]) -> Rooms:
    """Return the rooms of a package and what they import of one another."""
    found: dict[str, set[str]] = {}
    for module in graph.modules:
        top, *inner = module.split(".")
        # What a package gives out itself is no room; who starts it, is.
        if top != package or not inner:
            continue
        imported = found.setdefault(inner[0], set())
        for other in graph.find_modules_directly_imported_by(module):
            other_top, *other_inner = other.split(".")
            if other_top == package and other_inner and (module, other) not in ignored:
                imported.add(other_inner[0])
        imported.discard(inner[0])
    return found


@dataclass(frozen=True, slots=True)
class _Frame:
    package: str
    imported: Sequence[str]
    lines: Sequence[Sequence[str]]
    arrows: Rooms
    folders: frozenset[str]

    @property
    def width(self) -> float:
        named = len(f"imports {', '.join(self.imported)}") * 5.4
        widest = max(sum(map(_width, line)) + _GAP * (len(line) - 1) for line in self.lines)
        return max(widest, named) + 2 * _FRAME_PADDING

    @property
    def height(self) -> float:
        return _HEAD + _FLOOR * (len(self.lines) - 1) + _BOX_HEIGHT + _FRAME_PADDING

    def drawn(self, left: float, top: float, height: float) -> list[str]:
        words = (
            f"imports {', '.join(self.imported)}" if self.imported else "imports nothing of ours"
        )
        inner = left + _FRAME_PADDING
        centres: dict[str, tuple[float, float]] = {}
        boxes = []
        for number, line in enumerate(self.lines):
            y = top + _HEAD + number * _FLOOR
            x = left + (self.width - sum(map(_width, line)) - _GAP * (len(line) - 1)) / 2
            for room in line:
                centres[room] = x + _width(room) / 2, y
                kind = "b" if room in self.folders else "m"
                boxes.append(
                    f'<rect class="{kind}" x="{x:.0f}" y="{y:.0f}" width="{_width(room):.0f}"'
                    f' height="{_BOX_HEIGHT}" rx="3"/>'
                    f'<text x="{centres[room][0]:.0f}" y="{y + 14:.0f}" text-anchor="middle">'
                    f"{escape(room)}</text>"
                )
                x += _width(room) + _GAP
        arrows = [
            f'<path d="M{centres[room][0]:.0f} {centres[room][1] + _BOX_HEIGHT:.0f}'
            f'L{centres[below][0]:.0f} {centres[below][1]:.0f}"/>'
            for room in sorted(self.arrows)
            for below in sorted(self.arrows[room])
        ]
        return [
            f'<rect class="f" x="{left:.0f}" y="{top:.0f}" width="{self.width:.0f}"'
            f' height="{height:.0f}" rx="6"/>',
            f'<text class="n" x="{inner:.0f}" y="{top + 18:.0f}">{self.package}/</text>',
            f'<text class="i" x="{inner:.0f}" y="{top + 33:.0f}">{words}</text>',
            *arrows,
            *boxes,
        ]


def _width(room: str) -> float:
    return len(room) * _LETTER + 2 * _BOX_PADDING


def _frame(graph: grimp.ImportGraph, package: str, ignored: set[tuple[str, str]]) -> _Frame:
    rooms = rooms_of(graph, package, ignored)
    lines: list[list[str]] = []
    for floor in floors(rooms):
        # A long floor is several lines of the drawing.
        lines += [floor[i : i + _MOST_IN_A_LINE] for i in range(0, len(floor), _MOST_IN_A_LINE)]
    imported = {
        other.split(".")[0]
        for module in graph.modules
        if module.split(".")[0] == package
        for other in graph.find_modules_directly_imported_by(module)
    }
    folders = {room for room in rooms if graph.find_children(f"{package}.{room}")}
    named = sorted(imported.intersection(name for line in LINES for name in line) - {package})
    return _Frame(package, named, lines, reduced(rooms), frozenset(folders))


def picture() -> str:
    """Return the drawing as it is committed."""
    settings: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    ignored = {
        (parts[0], parts[1])
        for contract in settings["tool"]["importlinter"]["contracts"]
        for line in contract.get("ignore_imports", ())
        if len(parts := line.split(" -> ")) == 2
    }
    first, *others = (name for line in LINES for name in line)
    graph = grimp.build_graph(first, *others, cache_dir=None)
    return _svg([[_frame(graph, name, ignored) for name in line] for line in LINES])


def _svg(lines: Iterable[Sequence[_Frame]]) -> str:
    drawn: list[str] = []
    top = widest = 0.0
    for line in lines:
        left, height = 0.0, max(frame.height for frame in line)
        for frame in line:
            drawn += frame.drawn(left, top, height)
            left += frame.width + _BETWEEN
        widest = max(widest, left - _BETWEEN)
        top += height + _BETWEEN
    box = f"-1 -1 {widest + 2:.0f} {top - _BETWEEN + 2:.0f}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" role="img">',
            "<title>The rooms of the packages and what stands on what</title>",
            f"<style>{_STYLE}</style>",
            *drawn,
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
    print(f"{PICTURE.relative_to(ROOT)} is written.")
