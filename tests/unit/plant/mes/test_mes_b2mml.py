"""B2MML-shaped XML: orders and calendars, and hostile files."""

import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from plant.mes import Located, Parsed
from plant.mes.file.b2mml import read_b2mml
from plant.mes.file.table import TableOptions
from plant.mes.problem import Remark
from tests.plants.export_files import B2MML_V06, B2MML_V07

OPTIONS = TableOptions({}, ZoneInfo("Asia/Ho_Chi_Minh"))
NAMESPACE = 'xmlns="http://www.mesa.org/xml/B2MML"'
SCOPE = """<HierarchyScope><EquipmentID>dong-nai</EquipmentID>
  <EquipmentElementLevel>Enterprise</EquipmentElementLevel>
  <HierarchyScope><EquipmentID>bien-hoa</EquipmentID></HierarchyScope></HierarchyScope>"""
ORDERS = f"""<?xml version="1.0" encoding="UTF-8"?>
<OperationsSchedule {NAMESPACE}>
  <ID>KH-10</ID>
  {SCOPE}
  <OperationsRequest>
    <ID>LSX-2601</ID>
    <StartTime>2026-03-02T06:00:00+07:00</StartTime>
    <EndTime>2026-03-02T14:00:00</EndTime>
    <SegmentRequirement>
      <ID>10</ID>
      <EquipmentRequirement><EquipmentID>gia-cong/day-chuyen</EquipmentID></EquipmentRequirement>
      <MaterialRequirement>
        <MaterialDefinitionID>thep-c45</MaterialDefinitionID>
        <MaterialUse>Consumed</MaterialUse>
        <Quantity><QuantityString>160</QuantityString></Quantity>
      </MaterialRequirement>
      <MaterialRequirement>
        <MaterialDefinitionID>truc</MaterialDefinitionID>
        <MaterialUse>Produced</MaterialUse>
        <Quantity><QuantityString>150</QuantityString><UnitOfMeasure>EA</UnitOfMeasure></Quantity>
      </MaterialRequirement>
    </SegmentRequirement>
    <RequestState>Running</RequestState>
  </OperationsRequest>
  <ProductionRequest>
    <ID>LSX-2602</ID>
    <HierarchyScope><EquipmentID>dong-nai/bien-hoa/gia-cong/day-chuyen</EquipmentID>
    </HierarchyScope>
    <SegmentRequirement>
      <MaterialProducedRequirement>
        <MaterialDefinitionID>bac-lot</MaterialDefinitionID>
        <Quantity><QuantityString>abc</QuantityString></Quantity>
      </MaterialProducedRequirement>
    </SegmentRequirement>
  </ProductionRequest>
  <OperationsRequest><ID>LSX-2603</ID><RequestState>Lost</RequestState></OperationsRequest>
</OperationsSchedule>"""
CALENDAR = """<b:WorkCalendarInformation xmlns:b="http://www.mesa.org/xml/B2MML">
  <b:WorkCalendarDefinition>
    <b:ID>Lịch 2026</b:ID>
    <b:HierarchyScope><b:EquipmentID>dong-nai/bien-hoa</b:EquipmentID></b:HierarchyScope>
    <b:WorkCalendarDefinitionEntry>
      <b:ID>Ca 3</b:ID><b:StartRule>2026-01-05T22:00:00</b:StartRule>
      <b:RecurrenceTimeIntervalRule>FREQ=WEEKLY;BYDAY=MO,FR</b:RecurrenceTimeIntervalRule>
      <b:DurationRule>PT8H</b:DurationRule><b:EntryType>Shift</b:EntryType>
      <b:WorkCalendarDefinitionEntry>
        <b:ID>Ăn đêm</b:ID><b:StartRule>T01:30:00</b:StartRule>
        <b:DurationRule>PT30M</b:DurationRule><b:EntryType>Break</b:EntryType>
      </b:WorkCalendarDefinitionEntry>
    </b:WorkCalendarDefinitionEntry>
  </b:WorkCalendarDefinition>
  <b:WorkCalendar>
    <b:HierarchyScope><b:EquipmentID>dong-nai/bien-hoa</b:EquipmentID></b:HierarchyScope>
    <b:WorkCalendarEntry>
      <b:ID>30/4</b:ID><b:Description>Nghỉ lễ</b:Description>
      <b:StartDateTime>2026-04-30T00:00:00</b:StartDateTime>
      <b:FinishDateTime>2026-05-02T00:00:00</b:FinishDateTime>
      <b:EntryType>Holiday</b:EntryType>
    </b:WorkCalendarEntry>
    <b:WorkCalendarEntry>
      <b:ID>BT-1</b:ID>
      <b:HierarchyScope><b:EquipmentID>dong-nai/bien-hoa/gia-cong</b:EquipmentID>
      </b:HierarchyScope>
      <b:StartDateTime>2026-03-07T08:00:00</b:StartDateTime>
      <b:FinishDateTime>2026-03-07T12:00:00</b:FinishDateTime>
      <b:EntryType>Maintenance</b:EntryType>
    </b:WorkCalendarEntry>
    <b:WorkCalendarEntry><b:ID>?</b:ID><b:EntryType>Party</b:EntryType></b:WorkCalendarEntry>
  </b:WorkCalendar>
</b:WorkCalendarInformation>"""


def read(tmp_path: Path, content: str | bytes, options: TableOptions = OPTIONS) -> list[Parsed]:
    file = tmp_path / "in.xml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with file.open("rb") as stream:
        return list(read_b2mml(stream, options))


def documents(parsed: list[Parsed]) -> list[dict[str, Any]]:
    return [one.document.canonical() for one in parsed if isinstance(one, Located)]


def problems(parsed: list[Parsed]) -> list[str]:
    return [str(problem) for one in parsed if isinstance(one, list) for problem in one]


def test_requests_become_orders(tmp_path: Path) -> None:
    parsed = read(tmp_path, ORDERS)

    assert documents(parsed) == [
        {
            "site": "dong-nai/bien-hoa",
            "number": "LSX-2601",
            "product": "truc",
            "work_center": "dong-nai/bien-hoa/gia-cong/day-chuyen",
            "planned_quantity": 150.0,
            "planned_start": "2026-03-01T23:00:00Z",
            "planned_end": "2026-03-02T07:00:00Z",
            "status": "running",
        }
    ]
    assert [line.partition(":")[0] for line in problems(parsed)] == [
        "ProductionRequest LSX-2602 (planned_quantity)",
        "OperationsRequest LSX-2603 (status)",
    ]


def test_calendar_entries_become_shifts_days_off_and_maintenance(tmp_path: Path) -> None:
    parsed = read(tmp_path, CALENDAR)

    shift, first, second, maintenance = documents(parsed)
    assert (shift["start"], shift["end"]) == ("22:00:00", "06:00:00")
    assert (shift["weekdays"], shift["valid_from"]) == (["mon", "fri"], "2026-01-05")
    assert shift["breaks"] == [{"name": "Ăn đêm", "start": "01:30:00", "end": "02:00:00"}]
    assert [day["day"] for day in (first, second)] == ["2026-04-30", "2026-05-01"]
    assert first["name_vi"] == "Nghỉ lễ"
    assert maintenance["place"] == "dong-nai/bien-hoa/gia-cong"
    assert maintenance["start"] == "2026-03-07T01:00:00Z"
    assert "'party' is none of" in problems(parsed)[0]


def test_the_site_is_the_one_asked_for_when_the_file_names_none(tmp_path: Path) -> None:
    content = ORDERS.replace(SCOPE, "")
    options = TableOptions({"site": "dong-nai/bien-hoa"}, OPTIONS.zone)

    (order,) = documents(read(tmp_path, content, options))

    assert order["work_center"] == "dong-nai/bien-hoa/gia-cong/day-chuyen"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "document types and entities"),
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', "document types and entities"),
        ("<a>" * 50, "nested deeper"),
        ("<a><b></a>", "is no XML"),
        ("", "is no XML"),
        (b'<?xml version="1.0" encoding="no-such"?><a/>', "is no XML"),
        ("<a/>", "none of the elements"),
        (ORDERS[:600], "is no XML"),
    ],
)
def test_what_is_hostile_or_broken_is_refused_with_the_reason(
    tmp_path: Path, content: str | bytes, said: str
) -> None:
    assert said in problems(read(tmp_path, content))[-1]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("PT8H", "8 giờ", "DurationRule"),
        ("PT8H", "P99999999999D", "DurationRule"),
        ("FREQ=WEEKLY;BYDAY=MO,FR", "R/P2D", "RecurrenceTimeIntervalRule"),
        ("2026-01-05T22:00:00", "tối", "StartRule"),
        ("T01:30:00", "x", "a break needs"),
        ("2026-05-02T00:00:00", "2027-05-02T00:00:00", "no span of"),
        ("2026-04-30T00:00:00", "hôm nay", "are no dates"),
    ],
)
def test_rules_that_are_not_understood_are_named(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert said in "; ".join(problems(read(tmp_path, CALENDAR.replace(old, new))))


PERFORMANCE = f"""<OperationsPerformance {NAMESPACE}>
  {SCOPE}
  <OperationsResponse>
    <ID>TH-1</ID><OperationsRequestID>LSX-2601</OperationsRequestID>
    <SegmentResponse>
      <ActualStartTime>2026-03-02T06:05:00</ActualStartTime>
      <ActualEndTime>2026-03-02T10:00:00+07:00</ActualEndTime>
      <EquipmentActual><EquipmentID>gia-cong/day-chuyen/cua</EquipmentID></EquipmentActual>
      <MaterialActual>
        <MaterialDefinitionID>thep-c45</MaterialDefinitionID><MaterialUse>Consumed</MaterialUse>
      </MaterialActual>
      <MaterialActual>
        <MaterialDefinitionID>truc</MaterialDefinitionID><MaterialLotID>L-1</MaterialLotID>
        <MaterialUse>Produced</MaterialUse>
      </MaterialActual>
    </SegmentResponse>
    <SegmentResponse>
      <ActualStartTime>2026-03-02T10:10:00+07:00</ActualStartTime>
      <HierarchyScope><EquipmentID>dong-nai/bien-hoa/gia-cong/day-chuyen/mai</EquipmentID>
      </HierarchyScope>
    </SegmentResponse>
    <SegmentResponse><ID>not begun</ID></SegmentResponse>
  </OperationsResponse>
  <ProductionResponse><ID>TH-2</ID></ProductionResponse>
</OperationsPerformance>"""


def test_segments_that_have_begun_become_order_runs(tmp_path: Path) -> None:
    parsed = read(tmp_path, PERFORMANCE)

    first, second = documents(parsed)
    assert first == {
        "work_unit": "dong-nai/bien-hoa/gia-cong/day-chuyen/cua",
        "started_at": "2026-03-01T23:05:00Z",
        "ended_at": "2026-03-02T03:00:00Z",
        "order": "LSX-2601",
        "product": "truc",
        "lot": "L-1",
    }
    assert second == {
        "work_unit": "dong-nai/bien-hoa/gia-cong/day-chuyen/mai",
        "started_at": "2026-03-02T03:10:00Z",
        "ended_at": None,
        "order": "LSX-2601",
        "product": None,
        "lot": None,
    }
    assert ["ProductionResponse TH-2" in line for line in problems(parsed)] == [True]


def test_documents_of_v06_and_v07_are_read_whole(tmp_path: Path) -> None:
    words = {
        "place": {
            "BH-1": "dong-nai/bien-hoa",
            "MILL": "dong-nai/bien-hoa/co-khi/phay",
            **{name: f"dong-nai/bien-hoa/co-khi/phay/{name.lower()}" for name in ("M1", "M2")},
        },
        "status": {"Geparkt": "planned"},
    }
    options = TableOptions({"site": "dong-nai/bien-hoa"}, OPTIONS.zone, words)

    schedule = read(tmp_path, B2MML_V06, options)
    performance = read(tmp_path, B2MML_V07, options)

    (order,) = documents(schedule)
    assert (order["planned_quantity"], order["status"]) == (1500.0, "planned")
    runs = documents(performance)
    assert [(run["work_unit"][-2:], run["started_at"][11:13]) for run in runs] == [
        ("m1", "23"),
        ("m1", "01"),
        ("m2", "03"),
    ]
    assert {run["product"] for run in runs} == {"FERT-1001"}
    assert [str(one) for one in schedule if isinstance(one, Remark)] == [
        "OperationsRequest PO-7781: elements not understood: OperationsType, Priority"
    ]


@pytest.mark.parametrize(
    ("document", "within"),
    [
        *((B2MML_V06, one) for one in ("OperationsSchedule", "OperationsRequest")),
        *((B2MML_V06, one) for one in ("SegmentRequirement", "MaterialRequirement", "Quantity")),
        *((B2MML_V07, one) for one in ("OperationsPerformance", "HierarchyScope")),
        *((B2MML_V07, one) for one in ("HierarchyScopeChild", "SegmentResponse")),
        *((B2MML_V07, one) for one in ("SegmentResponseChild", "EquipmentActual")),
        *((CALENDAR.encode(), f"b:{one}") for one in ("WorkCalendarInformation", "WorkCalendar")),
        *((CALENDAR.encode(), f"b:{one}") for one in ("WorkCalendarDefinition", "HierarchyScope")),
        *((CALENDAR.encode(), f"b:{one}") for one in ("WorkCalendarEntry",)),
    ],
)
def test_whatever_is_not_known_within_what_is_read_is_said(
    tmp_path: Path, document: bytes, within: str
) -> None:
    begin = re.search(rf"<{within}(?: [^>]*)?>".encode(), document)
    assert begin is not None
    odd = b"<Odd xmlns=''>7<Within/></Odd>"
    content = document[: begin.end()] + odd + document[begin.end() :]

    before, after = read(tmp_path, document), read(tmp_path, content)

    said = [one.words for one in after if isinstance(one, Remark) and "Odd" in one.words]
    assert len(said) == 1
    assert "Within" not in said[0]
    assert documents(after) == documents(before)


def test_a_unit_that_counts_no_pieces_is_refused(tmp_path: Path) -> None:
    content = B2MML_V06.replace(b">T3<", b">KGM<").replace(
        b' OtherValue="Geparkt">Other', b">Released"
    )

    assert "the unit 'KGM' counts no pieces" in problems(read(tmp_path, content))[0]
