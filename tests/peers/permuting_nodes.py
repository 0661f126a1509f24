"""Nodes that deal their aliases anew at each birth, and know what they told of which tag."""

import random
from collections import Counter
from dataclasses import dataclass, field

from ingest.decoding.message import Message
from ingest.sparkplug.settings import SparkplugSettings
from plant.sparkplug import DataType, Metric, NodeId
from tests.peers.sparkplug_nodes import DRILL_PATH, LATHE_PATH, NOW_MS, NodeScript

DEVICES = {"CNC 1": LATHE_PATH, "CNC 2": DRILL_PATH}
METRICS = 2


@dataclass
class PermutingNode:
    """What one node says, with aliases that are dealt anew at each birth."""

    number: int
    chance: random.Random
    at_ms: int = NOW_MS
    script: NodeScript = field(init=False)
    messages: list[Message] = field(default_factory=list)
    told: Counter[tuple[str, float]] = field(default_factory=Counter)
    """How often which tag was told which value."""
    alias: dict[tuple[str | None, int], int] = field(default_factory=dict)
    count: int = 0

    def __post_init__(self) -> None:
        self.script = NodeScript(NodeId("G", f"N{self.number}"), at_ms=self.at_ms)
        self.birth()

    def say(self, message: Message) -> None:
        self.messages.append(message)

    def value(self, device: str | None, metric: int) -> float:
        """A value that tells the metric it was measured by."""
        self.count += 1
        place = [None, *DEVICES].index(device)
        value = float(self.count * 100_000 + self.number * 100 + place * 10 + metric)
        self.told[tag_of(self.number, device, metric), value] += 1
        return value

    def birth(self, *, bd_seq: int | None = None) -> None:
        keys = [(device, k) for device in (None, *DEVICES) for k in range(METRICS)]
        aliases = list(range(1, len(keys) + 1))
        self.chance.shuffle(aliases)
        self.alias = dict(zip(keys, aliases, strict=True))
        self.say(self.script.node_birth(self.born(None), bd_seq=bd_seq))
        for device in DEVICES:
            self.say(self.script.device_birth(self.born(device), device))

    def born(self, device: str | None) -> list[Metric]:
        return [
            Metric(
                name=f"m{k}",
                alias=self.alias[device, k],
                timestamp=self.script.at_ms,
                datatype=DataType.DOUBLE,
                value=self.value(device, k),
            )
            for k in range(METRICS)
        ]

    def act(self, action: str) -> None:
        match action:
            case "data" | "node data":
                device = None if action == "node data" else self.chance.choice(list(DEVICES))
                metric = self.chance.randrange(METRICS)
                said = self.script.value(self.alias[device, metric], self.value(device, metric))
                self.say(self.script.data(said, device=device))
            case "rebirth":
                self.birth()
            case "new session":
                self.birth(bd_seq=self.script.bd_seq + 1)
            case "death":
                self.say(self.script.node_death())
                self.birth(bd_seq=self.script.bd_seq + 1)


def tag_of(number: int, device: str | None, metric: int) -> str:
    machine = {None: "tien-1", "CNC 1": "tien-1", "CNC 2": "khoan-1"}[device]
    return f"{machine}/N{number}-{device}-{metric}"


def settings_for(nodes: int, rebirth_delay_s: float = 0) -> SparkplugSettings:
    """A tag of its own for each metric, as all nodes of the test have the same machines."""
    return SparkplugSettings.model_validate(
        {
            "rebirth_delay_s": rebirth_delay_s,
            "nodes": [
                {
                    "group_id": "G",
                    "edge_node_id": f"N{number}",
                    "enterprise": "co-khi-thu",
                    "site": "bien-hoa",
                    "edge": f"sp-{number}",
                    "work_unit": LATHE_PATH,
                    "devices": DEVICES,
                    "metrics": [
                        {"metric": f"m{k}", "name": tag_of(number, device, k)}
                        | ({"device": device} if device else {})
                        for device in (None, *DEVICES)
                        for k in range(METRICS)
                    ],
                }
                for number in range(nodes)
            ],
        }
    )
