"""Replaying one recorded file: the map that says what its columns are."""

from pathlib import Path
from typing import Literal

from edge_agent.drivers.csv.settings import CsvSettings, RecordingSettings
from edge_agent.settings import (
    ConfigurationSettings,
    EdgeSettings,
    IdentitySettings,
    OutboxSettings,
)
from plant.description import PlantDescription
from plant.settings import BrokerSettings, LogSettings, StrictModel

REPLAY_SOURCE = "replay"


class ReplayMap(StrictModel):
    """The map file of `nhipmay replay FILE --map MAP.yaml`."""

    plant: PlantDescription | None = None
    """The plant that the recording is of, for a platform that does not know it yet."""
    edge: IdentitySettings
    """The edge in whose name the measurements are sent."""
    broker: BrokerSettings = BrokerSettings()
    """The MQTT broker they are sent to."""
    csv: RecordingSettings
    """How the file is laid out, and which of its columns are tags."""


def replay_settings(
    replay: ReplayMap,
    file: Path,
    outbox_file: Path,
    *,
    rate: float | Literal["max"] = "max",
    log: LogSettings | None = None,
) -> EdgeSettings:
    """Return the settings of an edge agent that replays one file and then ends.

    The outbox remembers how much of the file was taken: the same file replayed with the same
    outbox file adds nothing.
    """
    recording = replay.csv.model_dump()
    return EdgeSettings(
        edge=replay.edge,
        broker=replay.broker,
        outbox=OutboxSettings(file=outbox_file),
        # What the platform wants of the real edge is nothing to a replay in its name.
        configuration=ConfigurationSettings(accept=False),
        sources={REPLAY_SOURCE: CsvSettings(driver="csv", file=file, rate=rate, **recording)},
        log=log or LogSettings(),
    )
