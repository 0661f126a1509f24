"""Documents: what is taken, what is refused, and in which words."""

from typing import Any

import pytest

from plant.errors import ConfigurationError
from plant.mes import KINDS, Located, Problem, Reason, document_type, parse
from plant.mes.parsing import Item
from tests.plants.mes_documents import SAMPLES

SITE = "dong-nai/bien-hoa"


def problems(kind: str, **changed: Any) -> list[Problem]:
    values = {name: value for name, value in (SAMPLES[kind] | changed).items() if value != "-"}
    found = parse(KINDS[kind], values, Item(0))
    assert isinstance(found, list), found
    return found


def words(kind: str, **changed: Any) -> str:
    return "; ".join(str(problem) for problem in problems(kind, **changed))


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_says_the_same_when_it_has_been_written_as_json(kind: str) -> None:
    once = parse(KINDS[kind], SAMPLES[kind], Item(0))
    assert isinstance(once, Located)

    again = parse(KINDS[kind], once.document.canonical(), Item(0))

    assert isinstance(again, Located)
    assert again.document.canonical() == once.document.canonical()
    assert again.document.key == once.document.key


def test_every_kind_has_its_name_once() -> None:
    assert len(KINDS) == 19
    assert document_type("orders").KIND == "orders"
    with pytest.raises(ConfigurationError, match="did you mean 'orders'"):
        document_type("order")


@pytest.mark.parametrize(
    ("kind", "changed", "said"),
    [
        ("products", {"code": "Trục\n20"}, "cannot be printed"),
        ("products", {"code": " "}, "is no code"),
        ("products", {"code": "x" * 65}, "is no code"),
        ("orders", {"planned_quantity": "1.500"}, "two numbers to two readers"),
        ("products", {"code": "-", "name_vi": 5}, "code: required, but missing"),
        ("products", {"nam_vi": "x"}, "unknown field; did you mean 'name_vi'?"),
        ("products", {"name_vi": "a\nb"}, "line break"),
        ("products", {"name_vi": "a\0b"}, "cannot be printed"),
        ("products", {"name_vi": "x" * 201}, "at most 200"),
        ("planned-run-times", {"seconds": -3}, "greater than 0"),
        ("planned-run-times", {"seconds": "nan"}, "finite number"),
        ("planned-run-times", {"seconds": True}, "write a number"),
        ("planned-run-times", {"seconds": "30,5"}, "write a point"),
        ("planned-run-times", {"seconds": "ba mươi"}, "valid number"),
        ("planned-run-times", {"work_unit": "dong-nai/bien-hoa"}, "no work_unit"),
        ("planned-run-times", {"work_unit": "Dong Nai/x"}, "no path of a place"),
        ("planned-run-times", {"seconds": "1_000"}, "no separators"),
        ("planned-run-times", {"valid_from": "45000"}, "no moment"),
        ("planned-run-times", {"valid_from": 45000}, "no moment"),
        ("planned-run-times", {"valid_from": "2026-03-02"}, "no moment"),
        ("planned-run-times", {"valid_from": "2026-03-02T06:00:00"}, "offset"),
        ("planned-run-times", {"valid_from": "1890-03-02T06:00:00Z"}, "between 1970"),
        ("planned-run-times", {"valid_to": "2026-01-01T00:00:00Z"}, "not after the start"),
        ("orders", {"number": 7}, "valid string"),
        ("orders", {"work_center": "khac/a/b/c"}, "is not in dong-nai/bien-hoa"),
        ("orders", {"planned_quantity": 0}, "greater than 0"),
        ("orders", {"status": "done"}, "'planned', 'released'"),
        ("lots", {"quantity": -1}, "greater than or equal to 0"),
        ("time-zones", {"time_zone": "Asia/Bien_Hoa"}, "no IANA time zone"),
        ("time-zones", {"time_zone": "../../etc/passwd"}, "no IANA time zone"),
        ("shifts", {"start": "25:00"}, "no local time"),
        ("shifts", {"start": 6}, "no local time"),
        ("shifts", {"weekdays": ["thứ hai"]}, "'mon', 'tue'"),
        ("shifts", {"weekdays": ["mon", "mon"]}, "a day is named twice"),
        ("shifts", {"breaks": "trưa"}, "is no break"),
        ("shifts", {"breaks": [{"name": "a", "start": "06:00", "end": "06:30"}]}, "not within"),
        (
            "shifts",
            {"breaks": "a 15:00-15:30; b 15:20-15:40"},
            "'a' and 'b' overlap",
        ),
        ("shifts", {"breaks": "a 15:00-15:10; a 16:00-16:10"}, "used twice"),
        ("shifts", {"valid_to": "2025-01-01"}, "not after the start"),
        ("rotations", {"cycle": "off | off"}, "no day names a shift"),
        ("rotations", {"cycle": []}, "at least 1"),
        ("holidays", {"day": "30/04/2026"}, "no date"),
        ("holidays", {"day": 46142}, "no date"),
        ("planned-maintenance", {"end": "2026-03-03T09:00:00+07:00"}, "not after the start"),
        ("planned-maintenance", {"place": "khac"}, "is not in"),
        ("stop-reasons", {"parent": "hong-may"}, "not its own parent"),
        ("inspections", {"serial_number": "-", "lot": "-"}, "serial number, or the lot"),
        ("inspections", {"quantity": 2}, "a serial number is one part"),
        ("inspections", {"produced_at": "2027-01-01T00:00:00Z"}, "before it was made"),
        ("inspections", {"result": "good"}, "a good part has none"),
        ("inspections", {"attempt": 0}, "greater than or equal to 1"),
        ("inspections", {"work_unit": "khac/a/b/c/d"}, "is not in"),
        ("scrap-bookings", {"booked_at": "2026-01-01T00:00:00Z"}, "booked before"),
        ("energy-meters", {"kwh_per_unit": 0}, "greater than 0"),
        ("products", {"withdrawn": "maybe"}, "neither yes nor no"),
        ("time-zones", {"withdrawn": True}, "cannot be withdrawn"),
    ],
)
def test_it_is_said_what_is_wrong(kind: str, changed: dict[str, Any], said: str) -> None:
    assert said in words(kind, **changed)


def test_everything_wrong_is_said_at_once() -> None:
    found = problems("orders", planned_quantity=-1, product=" ", planned_start="x", extra=1)

    assert {problem.field for problem in found} == {
        "planned_quantity",
        "product",
        "planned_start",
        "extra",
    }
    assert {problem.reason for problem in found} == {Reason.WRONG_VALUE, Reason.UNKNOWN_FIELD}


def test_the_field_is_named_when_two_fields_contradict_each_other() -> None:
    (problem,) = problems("orders", planned_end="2026-03-03T05:00:00+07:00")

    assert (problem.field, problem.where) == ("planned_start", "documents[0].planned_start")


@pytest.mark.parametrize("values", [None, 3, "x", [1], []])
def test_what_is_no_document_is_malformed(values: Any) -> None:
    found = parse(KINDS["products"], values, Item(4))

    assert isinstance(found, list)
    assert (found[0].reason, found[0].where) == (Reason.MALFORMED, "documents[4]")


def test_cells_write_lists_in_words() -> None:
    cells = {
        "site": SITE,
        "name": "Ca 3",
        "start": "22:00",
        "end": "06:00",
        "weekdays": "mon, fri",
        "breaks": "Ăn đêm 1:30-02:00; Trà 23:55 - 00:05",
    }
    shift = parse(KINDS["shifts"], cells, Item(0))
    rotation = parse(
        KINDS["rotations"],
        {
            "site": SITE,
            "name": "3 ca",
            "valid_from": "2026-03-02",
            "cycle": "Ca 1, Ca 2|off | Ca 3",
        },
        Item(0),
    )

    assert isinstance(shift, Located)
    assert isinstance(rotation, Located)
    assert shift.document.canonical()["weekdays"] == ["mon", "fri"]
    assert [pause["name"] for pause in shift.document.canonical()["breaks"]] == ["Trà", "Ăn đêm"]
    assert rotation.document.canonical()["cycle"] == [["Ca 1", "Ca 2"], [], ["Ca 3"]]


def test_a_decomposed_name_is_the_same_as_a_composed_one() -> None:
    lots = [SAMPLES["lots"] | {"number": number} for number in ("Lô ố", "Lô ô\u0301")]

    found = [parse(KINDS["lots"], lot, Item(0)) for lot in lots]

    assert all(isinstance(one, Located) for one in found)
    assert len({one.document.key for one in found if isinstance(one, Located)}) == 1


def test_only_the_key_counts_when_a_document_is_withdrawn() -> None:
    found = parse(
        KINDS["orders"],
        {"site": SITE, "number": "LSX-1", "withdrawn": "x", "planned_quantity": "?"},
        Item(0),
    )

    assert isinstance(found, Located)
    assert found.withdrawn
    assert found.document.key == (SITE, "LSX-1")
    assert found.document.scope == SITE
