from pathlib import Path

import pytest

from edge_agent.drivers.csv.recording import Recording
from edge_agent.drivers.csv.settings import CsvSettings
from edge_agent.replay import ReplayMap, replay_settings
from plant.settings import load_settings

EXAMPLES = sorted(
    (Path(__file__).parents[3] / "edge_agent" / "drivers" / "csv" / "examples").glob("*.yaml")
)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_map_is_complete_when_it_is_loaded(file: Path) -> None:
    replay = load_settings(ReplayMap, file)
    settings = replay_settings(replay, Path("recorded.csv"), Path("outbox.sqlite"))
    assert replay.plant is not None
    machines = {place.path for place in replay.plant.places()}
    assert {tag.work_unit for tag in settings.tags()} <= machines
    assert replay.edge.code in replay.plant.sites[0].edges
    source = settings.sources["replay"]
    assert isinstance(source, CsvSettings)
    assert source.rate == "max"


@pytest.mark.parametrize(
    ("example", "recorded", "rows", "measurements"),
    [
        ("skab", "skab/valve1/0.csv", 1147, 8 * 1147),
        ("nab", "nab/machine_temperature_system_failure.csv", 22695, 22695),
    ],
)
def test_every_row_is_read_when_the_recordings_are_at_hand(
    shared_data: Path, example: str, recorded: str, rows: int, measurements: int
) -> None:
    (file,) = (file for file in EXAMPLES if file.stem == example)
    recording = Recording(shared_data / recorded, load_settings(ReplayMap, file).csv)
    chunk = recording.chunk(100_000)
    recording.close()
    assert chunk is not None
    assert chunk.row == rows
    assert len(chunk.readings) == measurements
    assert not chunk.unreadable
    assert all(isinstance(reading.value, int | float) for reading in chunk.readings)
