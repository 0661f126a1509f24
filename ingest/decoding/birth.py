"""What a birth message changes: which declared tags are stored, and which are refused and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from plant.errors import DataError
from plant.measurement import TEXT_ROLES, Tag, TagRole, ValueType
from plant.native.message import TagDeclaration
from store.delivery.row import EdgeRow, TagChange, TagRow

# Changes of these change figures that were computed already.
_RESTATING = (
    "work_unit",
    "role",
    "value_type",
    "counter_modulus",
    "max_rate_per_s",
    "max_silence_s",
)
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class RefusedTag:
    """A declared tag that cannot be stored."""

    name: str
    index: int
    """Which of the declared tags it is; the first is 1."""
    reason: str
    detail: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Site:
    """What of a site decides about a birth."""

    work_units: Mapping[str, int]
    tags: Sequence[TagRow]
    """Those with the names that are declared, and those with a role."""
    online: frozenset[int]
    """Edges that are there."""

    def may_take(self, edge: EdgeRow, row: TagRow, *, live: bool) -> bool:
        """Tell whether the edge may take over another edge's tag, or its role.

        A retained birth may be that of a gateway replaced long ago, so it needs an edge that is
        online now.
        """
        if row.edge_id == edge.edge_id:
            return True
        return row.edge_id not in self.online and (live or edge.edge_id in self.online)


def tag_changes(
    edge: EdgeRow,
    declarations: Sequence[TagDeclaration],
    site: Site,
    *,
    live: bool,
    room: int,
) -> tuple[list[TagChange], list[RefusedTag]]:
    """Return the tags to store (new or changed only) and those refused.

    `room` is how many tags more the edge may have. `live` is False for a retained birth. A tag of
    another edge is taken over when that edge is not online: that is how a gateway is replaced. So
    is a role. A tag that the edge no longer declares stays as it was: its history still means what
    it meant.
    """
    stored = {row.tag.name: row for row in site.tags}
    holders: dict[tuple[str, TagRole], list[TagRow]] = {}
    for row in site.tags:
        if row.tag.role is not TagRole.NONE:
            holders.setdefault((row.tag.work_unit, row.tag.role.counts), []).append(row)
    taken: dict[tuple[str, TagRole], str] = {}
    fresh: set[str] = set()
    changes: list[TagChange] = []
    refused: list[RefusedTag] = []
    for index, declaration in enumerate(declarations, 1):
        try:
            tag = _checked(declaration, site)
            owner = stored.get(tag.name)
            if owner is not None and not site.may_take(edge, owner, live=live):
                raise DataError("tag_of_other_edge", "another edge of the site reports this tag")
            key = (tag.work_unit, tag.role.counts)
            holder = taken.get(key) or _holder(edge, tag, holders.get(key, ()), site, live=live)
            if holder is not None:
                raise DataError(
                    "role_conflict", f"{holder!r} already is the {tag.role} of {tag.work_unit}"
                )
            if owner is None and tag.name not in fresh and len(fresh) >= room:
                raise DataError("too_many_tags", "the edge has as many tags as an edge may have")
        except DataError as exc:
            raw = msgspec.json.encode(declaration)
            refused.append(RefusedTag(declaration.name, index, exc.reason, exc.detail, raw))
            continue
        if tag.role is not TagRole.NONE:
            taken[tag.work_unit, tag.role.counts] = tag.name
        if owner is None:
            fresh.add(tag.name)
        former = owner
        if former is None or former.edge_id != edge.edge_id or former.tag != tag:
            restates = former is not None and any(
                getattr(former.tag, name) != getattr(tag, name) for name in _RESTATING
            )
            unit_id = site.work_units[tag.work_unit]
            changes.append(TagChange(edge.edge_id, edge.site_id, unit_id, tag, restates))
    return changes, refused


def _checked(declaration: TagDeclaration, site: Site) -> Tag:
    tag = declaration.tag()
    texts = (tag.name, tag.unit, tag.description)
    if not tag.name or len(tag.name) > _LONGEST_NAME or any("\0" in text for text in texts):
        raise DataError("malformed", f"a tag's name has 1 to {_LONGEST_NAME} characters, no U+0000")
    if tag.work_unit not in site.work_units:
        raise DataError(
            "unknown_work_unit", f"{tag.work_unit!r} is no machine of this site's description"
        )
    if (tag.role in TEXT_ROLES) != (tag.value_type is ValueType.TEXT) and (
        tag.role is not TagRole.NONE
    ):
        wanted = "text" if tag.role in TEXT_ROLES else "numbers"
        raise DataError("role_conflict", f"role {tag.role} is for {wanted}")
    if tag.low is not None and tag.high is not None and tag.low > tag.high:
        raise DataError("inconsistent", f"low {tag.low:g} is above high {tag.high:g}")
    positive = (tag.max_silence_s, tag.counter_modulus or 1, tag.max_rate_per_s or 1)
    if min(positive) <= 0:
        raise DataError(
            "inconsistent", "max_silence_s, counter_modulus and max_rate_per_s are above 0"
        )
    return tag


def _holder(
    edge: EdgeRow, tag: Tag, rows: Sequence[TagRow], site: Site, *, live: bool
) -> str | None:
    """Return the name of another tag with the role that the edge may not take over."""
    if tag.role is TagRole.NONE:
        return None
    others = (row for row in rows if row.tag.name != tag.name)
    return next((row.tag.name for row in others if not site.may_take(edge, row, live=live)), None)
