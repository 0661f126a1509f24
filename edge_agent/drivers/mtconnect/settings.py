"""Settings of an MTConnect agent as a source."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from edge_agent.drivers.tag import SourceSettings, WrittenTagSettings
from plant.measurement import ValueType

ConditionPart = Literal["level", "code", "text", "active"]
AXES = {"x": "0", "y": "1", "z": "2"}
"""Places in a position or direction of three dimensions."""


_STEP = re.compile(r"(?P<name>[\w.-]+)(?:\[(?P<key>[\w.-]+)=(?P<value>[^\]]*)\])?")


@dataclass(frozen=True, slots=True)
class AssetPath:
    """Where something stands in an asset."""

    steps: tuple[tuple[str, tuple[str, str]], ...]
    """Names of elements from the asset on, each with an attribute that it must have, or none."""
    attribute: str
    """Of the last element; empty for its text."""

    @classmethod
    def of(cls, path: str) -> Self:
        """Read a path; raise ValueError with words for what is none."""
        way, _, attribute = path.partition("@")
        steps = []
        for part in (one for one in way.rstrip("/").split("/") if one or not attribute):
            match = _STEP.fullmatch(part)
            if match is None:
                raise ValueError(
                    f"path '{path}' leads to no part of an asset: write the names of its elements, "
                    "such as CuttingToolLifeCycle/ToolLife[type=MINUTES], or @serialNumber"
                )
            steps.append((match["name"], (match["key"] or "", match["value"] or "")))
        return cls(tuple(steps), attribute)


class MtConnectTagSettings(WrittenTagSettings):
    """A tag that is one data item of the agent."""

    data_item: Annotated[str, Field(min_length=1, max_length=200)]
    """Id of the data item as the agent's probe gives it, or its name when no other has it."""
    path: str = ""
    """Which part of an observation that has several: `x`, `y`, `z` or a place from 0 of a position,
    a key of a data set, `row.cell` of a table. Left out, each sample of a time series is a
    measurement of its own, the last at the time of the observation. Of an asset the way to an
    element, such as `CuttingToolLifeCycle/ToolLife[type=MINUTES]`, or with `/@limit` behind it to
    an attribute."""
    asset: Annotated[str, Field(max_length=200)] = ""
    """Id of an asset, such as a cutting tool, of which `path` is taken; `data_item` is then the
    event that tells that assets changed (ASSET_CHANGED). Left out, the observation is taken."""
    condition: ConditionPart = "level"
    """What to take of a condition: the worst active `level` (NORMAL, WARNING, FAULT), of the newest
    active one the machine's own `code` or its `text`, or the codes of all `active` ones; these are
    empty while nothing is active."""

    @model_validator(mode="after")
    def _a_part_of_an_asset_is_named(self) -> Self:
        if self.asset:
            AssetPath.of(self.path)
        return self

    @property
    def asset_path(self) -> AssetPath:
        """Where in the asset the value stands."""
        return AssetPath.of(self.path)


class MtConnectSettings(SourceSettings):
    """An MTConnect agent, read over HTTP by sequence numbers."""

    driver: Literal["mtconnect"]
    """Chooses this driver."""
    url: Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")]
    """Address of the agent, such as `http://192.168.1.10:5000`."""
    device: Annotated[str, Field(pattern=r"^[^\s/?#]*$")] = ""
    """Name or uuid of one device of the agent; left out, the whole agent is read, and every
    sequence number is accounted for."""
    interval_ms: Annotated[int, Field(ge=0, le=60_000)] = 250
    """How often the agent sends what is new, in one long answer (wall time); 0 asks for each
    answer, for agents and proxies that cannot stream."""
    poll_interval_s: Annotated[float, Field(gt=0)] = 1.0
    """How often to ask when `interval_ms` is 0 (wall time)."""
    count: Annotated[int, Field(ge=1, le=10_000)] = 1000
    """Most observations in one answer."""
    heartbeat_ms: Annotated[int, Field(ge=100, le=60_000)] = 5000
    """How often an agent with nothing new says that it is still there (wall time)."""
    timeout_s: Annotated[float, Field(gt=0)] = 10.0
    """How long an answer may take before the connection counts as lost."""
    retry_missing_s: Annotated[float, Field(gt=0)] = 60.0
    """How often data items that the agent does not know are looked for again (wall time)."""
    ca_file: Path | None = None
    """Certificate of the authority that signed the agent's, for `https`; left out, the
    system's authorities."""
    tags: Annotated[list[MtConnectTagSettings], Field(min_length=1)]
    """The tags of this source."""

    @model_validator(mode="after")
    def _conditions_are_text(self) -> Self:
        wrong = [
            tag.name
            for tag in self.tags
            if tag.condition != "level" and tag.kind is not ValueType.TEXT
        ]
        if wrong:
            raise ValueError(f"a condition's code or text needs a text tag: {', '.join(wrong)}")
        return self
