from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edge_agent.drivers.csv.recording import Chunk, Recording
from edge_agent.drivers.csv.settings import RecordingSettings
from plant.clock import microseconds
from plant.errors import ConfigurationError

TAGS = [
    {"name": "bom-1/flow", "work_unit": "a/b/bom-1", "column": "Flow"},
    {"name": "bom-1/state", "work_unit": "a/b/bom-1", "column": "State", "role": "state"},
]


def settings(**changes: Any) -> RecordingSettings:
    return RecordingSettings.model_validate({"time_column": "Time", "tags": TAGS} | changes)


def read(folder: Path, text: str, rows: int = 100, **changes: Any) -> list[Chunk]:
    file = folder / "recorded.csv"
    file.write_bytes(text.encode())
    recording = Recording(file, settings(**changes))
    chunks = []
    while chunk := recording.chunk(rows):
        chunks.append(chunk)
    recording.close()
    return chunks


def values(chunks: list[Chunk]) -> list[tuple[str, object]]:
    return [(reading.tag, reading.value) for chunk in chunks for reading in chunk.readings]


def test_every_row_is_read_when_times_repeat(tmp_path: Path) -> None:
    text = "Time,Flow,State\n" + "2026-03-02 06:00:00,1.5,EXECUTE\n" * 3
    (chunk,) = read(tmp_path, text)
    assert len(chunk.readings) == 6
    assert chunk.row == 3
    assert chunk.latest_us == microseconds(datetime(2026, 3, 2, 6, tzinfo=UTC))


def test_local_times_become_utc_when_the_zone_is_given(tmp_path: Path) -> None:
    text = "Time,Flow,State\n2026-03-02 06:00:00,1,EXECUTE\n2026-03-02T06:00:00+09:00,1,EXECUTE\n"
    (chunk,) = read(tmp_path, text, time_zone="Asia/Ho_Chi_Minh")
    times = [reading.time_us for reading in chunk.readings[::2]]
    assert times == [
        microseconds(datetime(2026, 3, 1, 23, tzinfo=UTC)),
        microseconds(datetime(2026, 3, 1, 21, tzinfo=UTC)),
    ]


def test_an_own_format_is_read_when_it_is_given(tmp_path: Path) -> None:
    text = "Time;Flow;State\r\n02/03/2026 06:00;1,5;EXECUTE\r\n"
    chunks = read(tmp_path, text, separator=";", time_format="%d/%m/%Y %H:%M", decimal_comma=True)
    assert values(chunks) == [("bom-1/flow", 1.5), ("bom-1/state", "EXECUTE")]


def test_empty_cells_are_nothing_and_odd_ones_stay_text_when_they_are_read(
    tmp_path: Path,
) -> None:
    text = "Time,Flow,State\n2026-03-02,,EXECUTE\n2026-03-02,n/a,\n2026-03-02,7,6\n"
    assert values(read(tmp_path, text)) == [
        ("bom-1/state", "EXECUTE"),
        ("bom-1/flow", None),
        ("bom-1/flow", 7),
        ("bom-1/state", "6"),
    ]


def test_unreadable_rows_are_named_when_the_others_are_taken(tmp_path: Path) -> None:
    text = "Time,Flow,State\nyesterday,1,A\n2026-03-02,2,B\n2026-03-02,3\n\n2026-03-03,4,C\n"
    (chunk,) = read(tmp_path, text)
    assert chunk.unreadable == [1, 3]
    assert values([chunk])[0::2] == [("bom-1/flow", 2), ("bom-1/flow", 4)]
    assert chunk.row == 5


def test_reading_goes_on_behind_what_was_taken_when_rows_are_skipped(tmp_path: Path) -> None:
    file = tmp_path / "recorded.csv"
    file.write_text("Time,Flow,State\n" + "".join(f"2026-03-02,{n},A\n" for n in range(10)))
    recording = Recording(file, settings())
    recording.skip(7)
    chunk = recording.chunk(100)
    recording.close()
    assert chunk is not None
    assert values([chunk])[0::2] == [("bom-1/flow", n) for n in (7, 8, 9)]
    assert chunk.row == 10


def test_absent_columns_are_all_named_when_the_map_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"'Time', 'State'.*'Zeit', 'Flow'"):
        read(tmp_path, "Zeit,Flow\n")


def test_the_start_is_refused_when_the_file_is_absent_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        Recording(tmp_path / "absent.csv", settings())
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00" * 100)
    with pytest.raises(ConfigurationError, match="set encoding"):
        Recording(tmp_path / "binary.csv", settings())
