"""Master data in the database: written as a whole or not at all, corrected with a trail."""

from collections.abc import Iterator
from typing import Any

import pytest

from plant.mes import KINDS, Reason
from plant.settings import DatabaseSettings
from store.mes import key as mes_key
from tests.plants.figure_plant import GRINDER, LINE, SAW, SITE, FigurePlant, at
from tests.plants.mes_documents import ENTERPRISE, NOW, SAMPLES, write, write_samples
from tests.tables import rows_of


@pytest.fixture
def plant(database: DatabaseSettings) -> Iterator[FigurePlant]:
    plant = FigurePlant(database)
    yield plant
    plant.close()


@pytest.fixture
def each_plant(each_database: DatabaseSettings) -> Iterator[FigurePlant]:
    plant = FigurePlant(each_database)
    yield plant
    plant.close()


def events(plant: FigurePlant) -> list[dict[str, Any]]:
    return plant.rows("select * from master_data_event where kind <> 'plant' order by event_id")


def dirty(plant: FigurePlant) -> set[tuple[str, Any]]:
    rows = plant.rows("select path, hour from dirty_window join place on place_id = work_unit_id")
    return {(row["path"], row["hour"]) for row in rows}


def produce(plant: FigurePlant, hours: float = 3) -> None:
    """Let both machines run and compute what they did."""
    for unit in (SAW, GRINDER):
        plant.run_steadily(unit, 0, hours)
    plant.report(hours)
    while not plant.compute(hours).complete:
        pass
    assert dirty(plant) == set()


def test_every_kind_is_stored_and_told_again_when_it_is_written_twice(
    each_plant: FigurePlant,
) -> None:
    assert list(SAMPLES) == list(KINDS)
    for kind, sample in SAMPLES.items():
        first = write(each_plant.database, kind, [sample])
        again = write(each_plant.database, kind, [sample])

        found = (kind, first.problems, first.created, again.unchanged, again.changed)
        time_zone = kind == "time-zones"  # the site had one before
        assert found == (kind, (), 0 if time_zone else 1, 1, 0)


def test_a_correction_keeps_what_was_there_before(each_plant: FigurePlant) -> None:
    write_samples(each_plant.database)
    before = len(events(each_plant))
    changed = SAMPLES["orders"] | {"planned_quantity": 300, "status": "finished"}

    report = write(each_plant.database, "orders", [changed])

    assert (report.changed, report.committed) == (1, True)
    (event,) = events(each_plant)[before:]
    assert event["action"] == "changed"
    assert event["key"] == {"site": SITE, "number": "LSX-7"}
    assert (event["old"]["planned_quantity"], event["new"]["planned_quantity"]) == (240, 300)
    assert (event["who"], event["source"], event["reason"]) == ("the test", "test.json", "because")
    assert event["recorded_at"] == NOW


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].WITHDRAWABLE])
def test_any_document_can_be_withdrawn_by_its_key(plant: FigurePlant, kind: str) -> None:
    order = list(SAMPLES)
    for needed in order[: order.index(kind) + 1]:
        write(plant.database, needed, [SAMPLES[needed]])
    if kind == "products":
        sample = {"enterprise": ENTERPRISE, "code": "bac-lot"}
    else:
        sample = {name: SAMPLES[kind][name] for name in KINDS[kind].KEY if name in SAMPLES[kind]}

    report = write(plant.database, kind, [sample | {"withdrawn": True}])
    again = write(plant.database, kind, [sample | {"withdrawn": True}])

    assert (report.withdrawn, report.committed) == (1, True), report.problems
    assert events(plant)[-1]["action"] == "withdrawn"
    assert [problem.reason for problem in again.problems] == [Reason.NOTHING_THERE]


def test_a_product_in_use_stays(plant: FigurePlant) -> None:
    write_samples(plant.database)
    key = {"enterprise": ENTERPRISE, "code": "bac-lot", "withdrawn": "yes"}

    report = write(plant.database, "products", [key])

    assert [problem.reason for problem in report.problems] == [Reason.IN_USE]
    assert not report.committed


def test_nothing_is_written_when_one_document_is_wrong(each_plant: FigurePlant) -> None:
    good = [SAMPLES["products"] | {"code": f"sp-{n}"} for n in range(50)]
    before = rows_of(each_plant.connection, "product")

    report = write(each_plant.database, "products", [*good, {"enterprise": ENTERPRISE}])

    assert (report.documents, report.created, report.refused) == (51, 50, 1)
    assert not report.committed
    assert [str(problem) for problem in report.problems] == [
        "documents[50].code: required, but missing",
        "documents[50].name_vi: required, but missing",
    ]
    assert rows_of(each_plant.connection, "product") == before
    assert events(each_plant) == []


def test_a_preview_tells_everything_and_writes_nothing(plant: FigurePlant) -> None:
    produce(plant)
    before = rows_of(plant.connection, "planned_run_time")
    document = {"work_unit": SAW, "product": "truc", "seconds": 31}

    report = write(plant.database, "planned-run-times", [document], preview=True)

    assert (report.changed, report.hours_to_compute, report.committed) == (1, 3, False)
    assert rows_of(plant.connection, "planned_run_time") == before
    assert events(plant) == []
    assert dirty(plant) == set()


def test_what_is_wrong_is_named_when_it_does_not_exist(plant: FigurePlant) -> None:
    write_samples(plant.database)
    wrong = [
        SAMPLES["orders"] | {"number": "1", "work_center": f"{SITE}/gia-cong/day-truyen"},
        SAMPLES["orders"] | {"number": "2", "product": "khong-co"},
        SAMPLES["orders"] | {"number": "3"},
        SAMPLES["orders"] | {"number": "3", "planned_quantity": 5},
    ]

    report = write(plant.database, "orders", wrong)

    assert [(problem.where, problem.reason) for problem in report.problems] == [
        ("documents[3]", Reason.DUPLICATE),
        ("documents[0].work_center", Reason.UNKNOWN_REFERENCE),
        ("documents[1].product", Reason.UNKNOWN_REFERENCE),
    ]
    assert "did you mean" in report.problems[1].words
    assert "documents[2]" in report.problems[0].words


def test_duplicates_are_found_when_their_keys_are_no_longer_in_memory(
    plant: FigurePlant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mes_key, "IN_MEMORY", 10)
    monkeypatch.setattr("store.mes.writing.BATCH", 7)
    monkeypatch.setattr(mes_key.SeenKeys.__init__, "__defaults__", (10,))
    codes = [f"sp-{n}" for n in range(40)]
    documents = [SAMPLES["products"] | {"code": code} for code in [*codes, "sp-3", "sp-39"]]

    report = write(plant.database, "products", documents)

    assert [(problem.where, problem.reason) for problem in report.problems] == [
        ("documents[40]", Reason.DUPLICATE),
        ("documents[41]", Reason.DUPLICATE),
    ]
    assert "documents[3]" in report.problems[0].words
    assert "documents[39]" in report.problems[1].words


def test_documents_of_another_site_are_refused_when_the_way_in_speaks_for_one(
    plant: FigurePlant,
) -> None:
    own = write(plant.database, "products", [SAMPLES["products"]], scope=SITE)
    other = write(plant.database, "products", [SAMPLES["products"]], scope="khac/bien-hoa")

    assert own.committed
    assert [problem.reason for problem in other.problems] == [Reason.OUTSIDE_SCOPE]


def test_shifts_that_overlap_are_refused_as_a_whole(each_plant: FigurePlant) -> None:
    late = SAMPLES["shifts"] | {"start": "13:00"}

    report = write(each_plant.database, "shifts", [late])

    assert [problem.reason for problem in report.problems] == [Reason.OVERLAPPING_SHIFTS]
    assert "'ca-1'" in report.problems[0].words
    assert not report.committed


def test_each_overlap_is_told_where_its_shift_is(plant: FigurePlant) -> None:
    shifts = [
        {"site": SITE, "name": name, "start": start, "end": end}
        for name, start, end in (
            ("a", "14:00", "18:00"),
            ("b", "17:00", "21:00"),
            ("c", "20:00", "22:00"),
        )
    ]
    fine = {"site": SITE, "name": "d", "start": "22:00", "end": "23:00"}

    report = write(plant.database, "shifts", [*shifts, fine])

    assert [(problem.where, problem.reason) for problem in report.problems] == [
        ("documents[1]", Reason.OVERLAPPING_SHIFTS),
        ("documents[2]", Reason.OVERLAPPING_SHIFTS),
    ]


@pytest.mark.parametrize(
    ("kind", "field", "changed"),
    [
        ("rotations", "cycle", {"cycle": [["ca-1"], ["ca1"]]}),
        ("holidays", "keeps", {"keeps": ["Ca 1"]}),
    ],
)
def test_a_shift_that_does_not_exist_is_named_where_it_is_asked_for(
    plant: FigurePlant, kind: str, field: str, changed: dict[str, Any]
) -> None:
    report = write(plant.database, kind, [SAMPLES[kind] | changed])

    assert [(problem.where, problem.reason) for problem in report.problems] == [
        (f"documents[0].{field}", Reason.UNKNOWN_REFERENCE)
    ]
    assert not report.committed


def test_a_later_version_of_a_shift_replaces_it_without_overlapping(plant: FigurePlant) -> None:
    shorter = {"site": SITE, "name": "ca-1", "start": "07:00", "end": "13:00"}

    report = write(plant.database, "shifts", [shorter | {"valid_from": "2026-06-01"}])

    assert report.committed, report.problems


def test_trees_of_reasons_have_roots(plant: FigurePlant) -> None:
    one = {"enterprise": ENTERPRISE, "code": "a", "parent": "b", "name_vi": "A"}
    other = {"enterprise": ENTERPRISE, "code": "b", "parent": "a", "name_vi": "B"}

    circle = write(plant.database, "scrap-reasons", [one, other])
    orphan = write(plant.database, "scrap-reasons", [one | {"code": "c", "parent": None}, one])
    tree = write(plant.database, "scrap-reasons", [one, other | {"parent": None}])

    assert [problem.reason for problem in circle.problems] == [Reason.CIRCLE]
    assert [(problem.where, problem.reason) for problem in orphan.problems] == [
        ("documents[1].parent", Reason.UNKNOWN_REFERENCE)
    ]
    assert tree.committed


def test_sound_documents_are_written_when_refused_ones_do_not_refuse_them(
    plant: FigurePlant,
) -> None:
    told: list[Any] = []
    documents = [SAMPLES["products"], SAMPLES["products"] | {"code": "SP\n1"}]

    report = write(plant.database, "products", documents, refused=told.append)

    assert (report.committed, report.created, report.refused) == (True, 1, 1)
    assert [problem.field for problems in told for problem in problems] == ["code"]


def test_a_plant_file_loaded_again_leaves_what_an_mes_said(each_plant: FigurePlant) -> None:
    write(each_plant.database, "time-zones", [SAMPLES["time-zones"]])
    documents = {"work_unit": SAW, "product": "truc", "seconds": 33, "source": "MES"}
    write(each_plant.database, "planned-run-times", [documents])
    shift = {"site": SITE, "name": "ca-1", "start": "06:00", "end": "13:00"}
    write(each_plant.database, "shifts", [shift])
    tables = ("planned_run_time", "place", "shift_pattern")
    before = {table: rows_of(each_plant.connection, table) for table in tables}

    each_plant.reload()

    assert {table: rows_of(each_plant.connection, table) for table in tables} == before


def test_a_changed_plant_file_leaves_a_trail(plant: FigurePlant) -> None:
    plant.reload(time_zone="Asia/Tokyo")

    trail = plant.rows("select * from master_data_event order by event_id")

    assert [event["action"] for event in trail] == ["created", "changed"]
    assert trail[1]["scope"] == SITE
    assert "Asia/Tokyo" in str(trail[1]["new"])
    assert "Asia/Tokyo" not in str(trail[1]["old"])


def test_a_run_time_marks_the_hours_in_which_its_product_was_made(
    each_plant: FigurePlant,
) -> None:
    produce(each_plant, 4)
    document = {
        "work_unit": SAW,
        "product": "truc",
        "seconds": 25,
        "valid_from": at(1.5).isoformat(),
        "valid_to": at(2.5).isoformat(),
    }

    report = write(each_plant.database, "planned-run-times", [document])

    # Its own hours until a later run time, and of the other machine those that it cuts.
    assert dirty(each_plant) == {
        *((SAW, at(hour)) for hour in (1, 2, 3)),
        *((GRINDER, at(hour)) for hour in (1, 2)),
    }
    assert report.hours_to_compute == 5


def test_the_run_time_of_a_bottleneck_marks_its_whole_line(plant: FigurePlant) -> None:
    produce(plant)

    write(
        plant.database,
        "planned-run-times",
        [{"work_unit": GRINDER, "product": "truc", "seconds": 41}],
    )

    assert dirty(plant) == {(unit, at(hour)) for unit in (SAW, GRINDER) for hour in range(3)}


def test_nothing_is_marked_when_figures_do_not_depend_on_what_changed(
    plant: FigurePlant,
) -> None:
    produce(plant)
    said = {"work_unit": SAW, "product": "truc", "seconds": 30, "source": "bấm giờ lại"}

    report = write(plant.database, "planned-run-times", [said])
    write(plant.database, "products", [{"enterprise": ENTERPRISE, "code": "truc", "name_vi": "T"}])
    for kind in ("stop-reasons", "scrap-reasons"):
        write(plant.database, kind, [SAMPLES[kind]])

    assert report.changed == 1
    assert dirty(plant) == set()


@pytest.mark.parametrize(
    ("kind", "document", "marked"),
    [
        (
            "planned-maintenance",
            {"number": "1", "place": LINE, "start": at(1.25), "end": at(2)},
            {(SAW, at(1)), (GRINDER, at(1))},
        ),
        (
            "planned-maintenance",
            {"number": "1", "place": SAW, "start": at(-5), "end": at(0.5)},
            {(SAW, at(0))},
        ),
        (
            "scrap-bookings",
            {
                "number": "1",
                "work_unit": SAW,
                "product": "truc",
                "quantity": 2,
                "produced_at": at(2.5),
                "booked_at": at(90),
            },
            {(SAW, at(2))},
        ),
        (
            "holidays",
            {"day": "2026-03-03", "name_vi": "Nghỉ"},
            {(unit, at(hour)) for unit in (SAW, GRINDER) for hour in range(3)},
        ),
        ("holidays", {"day": "2026-03-04", "name_vi": "Nghỉ"}, set()),
        (
            "orders",
            {"number": "LSX-1", "product": "truc", "work_center": LINE, "planned_quantity": 1},
            {(unit, at(hour)) for unit in (SAW, GRINDER) for hour in range(3)},
        ),
        (
            "orders",
            {"number": "LSX-2", "product": "truc", "work_center": LINE, "planned_quantity": 1},
            set(),
        ),
        (
            "shifts",
            {"name": "ca-1", "start": "06:00", "end": "14:00", "valid_from": "2026-03-04"},
            set(),
        ),
    ],
)
def test_exactly_the_hours_that_depend_on_it_are_marked(
    plant: FigurePlant, kind: str, document: dict[str, Any], marked: set[tuple[str, Any]]
) -> None:
    produce(plant)
    said = {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in document.items()
    }

    report = write(plant.database, kind, [{"site": SITE} | said])

    assert report.committed, report.problems
    assert dirty(plant) == marked
    assert report.hours_to_compute == len(marked)
