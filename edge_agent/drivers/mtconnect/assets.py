"""What assets contain: cutting tools, fixtures, files, as an agent keeps them beside its stream.

An event tells the id of an asset that changed (MTConnect part 4); its content is asked for then.
Only what it is now can be had: of several changes between two answers the last.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring

from edge_agent.drivers.contract import Inlet, Reading
from edge_agent.drivers.mtconnect.document import Observation, time_us
from edge_agent.drivers.mtconnect.http import HttpAgent
from edge_agent.drivers.mtconnect.reading import reading_of_text
from edge_agent.drivers.mtconnect.settings import AssetPath, MtConnectTagSettings
from plant.errors import DataError
from plant.measurement import Quality

MAX_ASSET_BYTES: Final = 1_000_000
_REMOVED: Final = "true"


@dataclass(frozen=True, slots=True)
class Asset:
    """One asset as an agent gave it."""

    root: Element
    time_us: int | None
    """When it was changed, by its own words."""

    @property
    def removed(self) -> bool:
        """Whether it is one that is there no more."""
        return self.root.get("removed") == _REMOVED

    def text(self, path: AssetPath) -> str | None:
        """Return what stands at a path; None where there is nothing."""
        found = [self.root]
        for name, (key, value) in path.steps:
            found = [
                child
                for parent in found
                for child in parent
                if _name(child) == name and (not key or child.get(key) == value)
            ]
        if not found:
            return None
        if path.attribute:
            return found[0].get(path.attribute)
        return "".join(found[0].itertext()).strip()


def parse_asset(payload: bytes, asset: str) -> Asset:
    """Return the asset of that id; raise DataError, `refused` where there is none."""
    if len(payload) > MAX_ASSET_BYTES:
        raise DataError("malformed", f"an asset of more than {MAX_ASSET_BYTES} bytes")
    try:
        root = fromstring(payload, forbid_dtd=True)
    except (ParseError, ValueError, LookupError, RecursionError) as exc:
        raise DataError("malformed", str(exc) or type(exc).__name__) from exc
    for element in root.iter():
        if element.get("assetId") == asset:
            return Asset(element, time_us(element.get("timestamp", "")))
    for element in root.iter():
        if code := element.get("errorCode"):
            raise DataError("refused", f"{code}: {''.join(element.itertext()).strip()[:200]}")
    raise DataError("refused", "its answer has no such asset")


class Assets:
    """What tags take from assets, and what was taken of each before."""

    def __init__(self, tags: Iterable[MtConnectTagSettings]) -> None:
        self._tags = [tag for tag in tags if tag.asset]
        self._taken: dict[str, Reading] = {}
        self.problems: dict[str, str] = {}
        """By tag, why it cannot be read."""

    @property
    def all(self) -> list[str]:
        """The ids that tags name."""
        return sorted({tag.asset for tag in self._tags})

    def changed(
        self,
        observations: Iterable[Observation],
        tags: Mapping[str, Sequence[MtConnectTagSettings]],
    ) -> list[str]:
        """Return the ids that tags name and that observations say have changed."""
        return sorted(
            {
                tag.asset
                for seen in observations
                for tag in tags.get(seen.data_item, ())
                if tag.asset and tag.asset == seen.text
            }
        )

    async def read(self, agent: HttpAgent, assets: Iterable[str], inlet: Inlet) -> list[Reading]:
        """Ask for assets and return what is new of them, to this driver and to the inlet.

        An asset that the agent does not have is a problem of its tags; whatever keeps the agent
        from answering raises as `HttpAgent` does.
        """
        found: list[Reading] = []
        for asset in assets:
            tags = [tag for tag in self._tags if tag.asset == asset]
            payload = await agent.get(f"/asset/{quote(asset, safe='')}")
            try:
                content = parse_asset(payload, asset)
            except DataError as exc:
                for tag in tags:
                    self.problems[tag.name] = f"{tag.name} (asset {asset}): {exc.detail}"
                continue
            for tag in tags:
                found += self._new(content, tag, inlet)
        return found

    def _new(self, content: Asset, tag: MtConnectTagSettings, inlet: Inlet) -> list[Reading]:
        self.problems.pop(tag.name, None)
        text = content.text(tag.asset_path)
        if content.time_us is None:
            self.problems[tag.name] = f"{tag.name} (asset {tag.asset}): it has no timestamp"
            return []
        if text is None and not content.removed:
            self.problems[tag.name] = f"{tag.name} (asset {tag.asset}): it has no {tag.path}"
        if text is None or content.removed:
            reading = Reading(tag.name, None, content.time_us, Quality.BAD)
        else:
            reading = reading_of_text(tag, text, content.time_us)
        first = tag.name not in self._taken
        if self._taken.get(tag.name) == reading:
            return []
        self._taken[tag.name] = reading
        # An earlier agent may have taken it.
        newest_us = inlet.backfill_from(tag.name, 0) if first else None
        return [] if newest_us is not None and content.time_us <= newest_us else [reading]


def _name(element: Element) -> str:
    return re.sub(r"^\{.*\}", "", str(element.tag))
