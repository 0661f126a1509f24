"""Reading a PLC whose program runs on between two requests, and that refuses some of them."""

import asyncio
import struct
from collections.abc import Callable, Sequence
from typing import Any

from edge_agent.drivers.modbus.address import Space
from edge_agent.drivers.modbus.rounds import (
    BUSY,
    FAILURES_UNTIL_BAD,
    FAULT,
    NO_UNIT,
    REFUSED,
    SILENT,
    UNKNOWN,
    Lost,
    Rounds,
)
from edge_agent.drivers.modbus.settings import ModbusSettings
from edge_agent.drivers.modbus.snapshot import GroupReading
from plant.errors import DataError


def settings_of(*addresses: str, **others: Any) -> ModbusSettings:
    tags = [
        {"name": f"m/{n}", "work_unit": "a/b/c", "address": address.partition("@")[0]}
        | ({"unit_id": int(address.partition("@")[2])} if "@" in address else {})
        for n, address in enumerate(addresses)
    ]
    return ModbusSettings.model_validate(
        {"driver": "modbus", "host": "plc", "max_gap": 0, "tags": tags, **others}
    )


CLOCKED = settings_of("hr:4", "hr:300", clock={"address": 0, "type": "uint64", "unit": "ms"})


class Plc:
    """Every register holds the scan number, beside a clock of one second per scan."""

    def __init__(self, scans_between_reads: Callable[[int], int]) -> None:
        self.scan = 1
        self.reads: list[tuple[int, int]] = []
        self.refuse: Callable[[int, int, int], str | None] = lambda _unit, _start, _count: None
        self._scans_between_reads = scans_between_reads

    async def read(self, unit: int, _space: Space, start: int, count: int) -> Sequence[int]:
        self.reads.append((start, count))
        reason = self.refuse(unit, start, count)
        if reason is not None:
            raise DataError(reason, f"it is {reason}")
        clock = struct.unpack(">4H", struct.pack(">Q", self.scan * 1000))
        words = [clock[n] if n < 4 else self.scan for n in range(start, start + count)]
        self.scan += self._scans_between_reads(len(self.reads))
        return words


async def _round(rounds: Rounds, plc: Plc, now_s: float) -> tuple[list[GroupReading], list[int]]:
    outcomes = [outcome async for outcome in rounds.round(plc.read, now_s)]
    read = [outcome for outcome in outcomes if isinstance(outcome, GroupReading)]
    lost = [key for outcome in outcomes if isinstance(outcome, Lost) for key in outcome.keys]
    return read, lost


def round_of(plc: Plc, rounds: Rounds, now_s: float = 0.0) -> tuple[list[GroupReading], list[int]]:
    plc.reads.clear()
    return asyncio.run(_round(rounds, plc, now_s))


def scans(plc: Plc, settings: ModbusSettings = CLOCKED) -> list[tuple[int | None, int, bool]]:
    readings, _ = asyncio.run(_round(Rounds(settings), plc, 0.0))
    return [(reading.time_us, reading.words[-1], reading.torn) for reading in readings]


def tags_of(readings: list[GroupReading]) -> list[int]:
    return sorted(key for reading in readings for key, _ in reading.group.cells)


def test_all_groups_are_of_one_scan_when_the_plc_stands_still() -> None:
    plc = Plc(lambda _: 0)
    assert scans(plc) == [(1_000_000, 1, False), (1_000_000, 1, False)]
    assert plc.reads == [(0, 5), (300, 1), (0, 4)]


def test_a_group_is_read_again_when_the_clock_moved_meanwhile() -> None:
    plc = Plc(lambda reads: 1 if reads == 1 else 0)
    assert scans(plc) == [(1_000_000, 1, False), (2_000_000, 2, False)]


def test_the_time_is_uncertain_when_the_clock_never_stands_still() -> None:
    plc = Plc(lambda _: 1)
    near, far = scans(plc)
    assert near == (1_000_000, 1, False)
    assert far[2] is True


def test_readings_have_no_time_when_the_plc_has_no_clock() -> None:
    plc = Plc(lambda _: 1)
    assert [time for time, _, _ in scans(plc, settings_of("hr:4", "hr:300"))] == [None, None]
    assert plc.reads == [(4, 1), (300, 1)]


def test_a_unit_has_no_part_in_the_clock_of_another() -> None:
    settings = settings_of("hr:4", "hr:4@7", clock={"address": 0})
    assert [time for time, _, _ in scans(Plc(lambda _: 0), settings)] == [1_000_000, None]


def silence_of_unit_2(reason: str) -> Callable[[int, int, int], str | None]:
    return lambda unit, _start, _count: reason if unit == 2 else None


def without(*absent: int) -> Callable[[int, int, int], str | None]:
    return lambda _unit, start, count: (
        REFUSED if any(start <= number < start + count for number in absent) else None
    )


def test_only_what_is_guilty_fails_when_an_address_in_the_middle_is_absent() -> None:
    plc, rounds = Plc(lambda _: 0), Rounds(settings_of(*(f"hr:{n}" for n in range(64))))
    plc.refuse = without(37)
    readings, lost = round_of(plc, rounds)
    assert tags_of(readings) == [n for n in range(64) if n != 37]
    assert lost == []
    assert rounds.problems == ["m/37 (hr:37): it is refused"]
    readings, lost = round_of(plc, rounds)
    # What was learnt stays: the next round asks nothing in vain.
    assert (tags_of(readings), lost) == ([n for n in range(64) if n != 37], [])
    assert len(plc.reads) == len(readings) < 8


def test_a_gap_that_is_refused_costs_no_tag() -> None:
    plc, rounds = Plc(lambda _: 0), Rounds(settings_of("hr:0", "hr:2", "hr:9", max_gap=16))
    plc.refuse = without(5)
    assert tags_of(round_of(plc, rounds)[0]) == [0, 1, 2]
    assert rounds.problems == []


def test_a_limit_of_the_device_is_learnt() -> None:
    plc, rounds = Plc(lambda _: 0), Rounds(settings_of(*(f"hr:{n}" for n in range(120))))
    plc.refuse = lambda _unit, _start, count: REFUSED if count > 32 else None
    assert tags_of(round_of(plc, rounds)[0]) == list(range(120))
    assert tags_of(round_of(plc, rounds)[0]) == list(range(120))
    assert len(plc.reads) == 4


def test_whole_blocks_are_asked_for_when_a_device_knows_only_these() -> None:
    tags = settings_of("hr:0", "hr:2", "hr:4").tags
    pairs = [tag.model_copy(update={"type": "uint32"}) for tag in tags]
    settings = settings_of("hr:0").model_copy(update={"tags": pairs})
    plc, rounds = Plc(lambda _: 0), Rounds(settings)
    plc.refuse = lambda _unit, start, count: None if (start % 2, count) == (0, 2) else REFUSED
    assert tags_of(round_of(plc, rounds)[0]) == [0, 1, 2]


def test_a_tag_is_lost_when_its_address_vanishes_and_found_when_it_returns() -> None:
    plc, rounds = Plc(lambda _: 0), Rounds(settings_of("hr:0", "hr:1", "hr:2"))
    assert tags_of(round_of(plc, rounds)[0]) == [0, 1, 2]
    plc.refuse = without(1)
    readings, lost = round_of(plc, rounds, 1.0)
    assert (tags_of(readings), lost) == ([0, 2], [1])
    assert tags_of(round_of(plc, rounds, 5.0)[0]) == [0, 2]
    plc.refuse = without()
    assert tags_of(round_of(plc, rounds, 12.0)[0]) == [0, 1, 2]
    assert rounds.problems == []


def test_a_busy_device_is_asked_again_and_its_reason_told() -> None:
    plc, rounds = Plc(lambda _: 0), Rounds(settings_of("hr:0", "hr:1"))
    plc.refuse = lambda *_: BUSY
    lost = [round_of(plc, rounds)[1] for _ in range(FAILURES_UNTIL_BAD + 1)]
    assert lost == [[], [], [0, 1], []]
    assert rounds.problems == ["m/0 (hr:0): it is busy", "m/1 (hr:1): it is busy"]
    assert len(plc.reads) == 1
    plc.refuse = lambda *_: None
    assert tags_of(round_of(plc, rounds)[0]) == [0, 1]
    assert rounds.problems == []


def test_a_fault_that_stays_is_searched_for_its_address() -> None:
    plc, rounds = Plc(lambda _: 0), Rounds(settings_of(*(f"hr:{n}" for n in range(8))))
    plc.refuse = lambda _unit, start, count: FAULT if start <= 3 < start + count else None
    for _ in range(FAILURES_UNTIL_BAD):
        readings, lost = round_of(plc, rounds)
    assert (tags_of(readings), lost) == ([0, 1, 2, 4, 5, 6, 7], [])


def test_groups_stay_whole_when_all_is_a_fault() -> None:
    plc, rounds = Plc(lambda _: 0), Rounds(settings_of(*(f"hr:{n}" for n in range(8))))
    plc.refuse = lambda *_: FAULT
    for _ in range(FAILURES_UNTIL_BAD + 1):
        round_of(plc, rounds)
    assert (len(plc.reads), len(rounds.problems)) == (1, 8)


def test_an_address_that_is_met_with_silence_is_found() -> None:
    plc, rounds = Plc(lambda _: 0), Rounds(settings_of("hr:0", "hr:100", "hr:101", "hr:102"))
    plc.refuse = lambda _unit, start, count: SILENT if start <= 101 < start + count else None
    for _ in range(FAILURES_UNTIL_BAD):
        readings, lost = round_of(plc, rounds)
    assert (tags_of(readings), lost) == ([0, 1, 3], [])


def test_a_silent_unit_costs_one_question_a_round_then_one_now_and_then() -> None:
    rounds = Rounds(settings_of("hr:0@1", "hr:0@2", "hr:500@2", "hr:900@2"))
    plc = Plc(lambda _: 0)
    for refused in (SILENT, NO_UNIT):
        plc.refuse = silence_of_unit_2(refused)
        for _ in range(FAILURES_UNTIL_BAD):
            readings, lost = round_of(plc, rounds)
            assert tags_of(readings) == [0]
            assert len(plc.reads) == 2
        assert lost == [1, 2, 3]
        assert rounds.problems[0] == f"m/1 (hr:0, unit 2): it is {refused}"
        round_of(plc, rounds, 1.0)
        assert plc.reads == [(0, 1)]
        plc.refuse = lambda *_: None
        assert tags_of(round_of(plc, rounds, 11.0)[0]) == [0, 1, 2, 3]


def test_nobody_answers_when_every_unit_is_silent() -> None:
    plc, rounds = Plc(lambda _: 0), Rounds(settings_of("hr:0@1", "hr:0@2"))
    plc.refuse = lambda *_: SILENT
    round_of(plc, rounds)
    assert rounds.all_silent
    plc.refuse = lambda *_: NO_UNIT
    round_of(plc, rounds)
    assert not rounds.all_silent


def test_a_function_that_is_unknown_is_not_asked_for_again_and_again() -> None:
    plc, rounds = Plc(lambda _: 0), Rounds(settings_of("ir:0", "ir:1", "ir:2"))
    plc.refuse = lambda *_: UNKNOWN
    assert round_of(plc, rounds)[0] == []
    assert len(plc.reads) == 1
    assert len(rounds.problems) == 3


def test_tags_fail_with_the_clock_that_the_plc_does_not_have() -> None:
    plc, rounds = Plc(lambda _: 0), Rounds(CLOCKED)
    plc.refuse = without(0)
    for _ in range(FAILURES_UNTIL_BAD):
        round_of(plc, rounds)
    assert rounds.problems == [
        "m/0 (hr:4): the clock at hr:0: it is refused",
        "m/1 (hr:300): the clock at hr:0: it is refused",
        "the PLC's clock: it is refused",
    ]
