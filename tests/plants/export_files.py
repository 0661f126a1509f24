"""Files as other systems export them: nothing in them is written for us."""

import io
from datetime import datetime

import openpyxl

SAP = (
    "Auftragsliste COOIS\r\nStand: 01.03.2026;;;\r\n\r\n"
    "Auftrag;Material;Arbeitsplatz;Auftragsmenge;ME;Eckstarttermin;Eckendtermin;Systemstatus;Disponent\r\n"
    "1000451;FERT-1001;PHAY-01;1.500;ST;02.03.2026;03.03.2026;FREI;D01\r\n"
    "1000452;AB/1234.5;PHAY-01;2,5;T3;03.03.2026;04.03.2026;EROF;D01\r\n"
    "1000453;FERT-1001;EP-02;1.250,0;ST;04.03.2026;04.03.2026;TECO;D02\r\n"
    "Summe;;;5.250,0;ST;;;;\r\n"
).encode("cp1252")

ODOO = (
    b'"Reference","Product/Internal Reference","Work Orders/Work Center","Quantity To Produce",'
    b'"Unit of Measure","Scheduled Date","End","State","Responsible"\n'
    b'"WH/MO/00012","[SP 001]","Milling","1,200.00","Units","2026-03-02 06:00:00",'
    b'"2026-03-02 14:00:00","Confirmed","Mitchell Admin"\n'
    b'"WH/MO/00013","[SP 001]","Press","10.00","Dozens","2026-03-03 06:00:00",'
    b'"2026-03-03 14:00:00","Draft","Mitchell Admin"\n'
)

CODE_PAGE = (
    "Mã máy;Mã hàng;Định mức (giây);Áp dụng từ;Ghi chú\r\n"
    "CNC 1;TRỤC-A;26,5;01/11/2025;bấm giờ ngày 30/10\r\n"
    "CNC 2;TRỤC-A;28;15/11/2025;bản vẽ\r\n"
)


def windows_1258(text: str) -> bytes:
    """Return a text as Windows writes it in code page 1258: tones behind their vowels."""
    made = []
    for letter in text:
        try:
            made.append(letter.encode("windows-1258"))
        except UnicodeEncodeError:
            made.append(_apart(letter).encode("windows-1258"))
    return b"".join(made)


def _apart(letter: str) -> str:
    from unicodedata import combining, normalize

    parts = normalize("NFD", letter)
    tones = "".join(one for one in parts if one in "\u0300\u0301\u0303\u0309\u0323")
    return normalize("NFC", "".join(one for one in parts if one not in tones)) + (
        tones if all(map(combining, tones)) else ""
    )


def workbook() -> bytes:
    """Return a planning sheet: a title, a header of two rows with merged cells, a signature."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "KH tháng 3"
    sheet["A1"] = "KẾ HOẠCH SẢN XUẤT THÁNG 3/2026"
    sheet.merge_cells("A1:H1")
    sheet.append([])
    sheet.append(
        ["STT", "Số LSX", "Mã hàng", "Chuyền", "SL kế hoạch", "Thời gian", None, "Tình trạng"]
    )
    sheet.append([None, None, None, None, None, "Bắt đầu", "Kết thúc", None])
    for column in "ABCDEH":
        sheet.merge_cells(f"{column}3:{column}4")
    sheet.merge_cells("F3:G3")
    sheet.append(
        [
            1,
            "LSX-03/001",
            "TRỤC-A",
            "Phay 1",
            480,
            datetime.fromisoformat("2026-03-02T06:00"),
            datetime.fromisoformat("2026-03-02T14:00"),
            "đang chạy",
        ]
    )
    sheet.append([2, "LSX-03/002", "SP 001", "Ép", "1.500", "03/03/2026 6h00", "03/03/2026", "chờ"])
    sheet.append(["Tổng cộng", None, None, None, 1980, None, None, None])
    sheet.append([None, "Người lập: Nguyễn Thị Ánh"])
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


B2MML_V06 = b"""<?xml version="1.0" encoding="UTF-8"?>
<OperationsSchedule xmlns="http://www.mesa.org/xml/B2MML-V0600">
  <ID>KH-2026-10</ID>
  <PublishedDate>2026-03-01T17:00:00+07:00</PublishedDate>
  <OperationsRequest>
    <ID>PO-7781</ID>
    <OperationsType>Production</OperationsType>
    <StartTime>2026-03-02T06:00:00+07:00</StartTime>
    <EndTime>2026-03-02T14:00:00+07:00</EndTime>
    <Priority>2</Priority>
    <SegmentRequirement>
      <ID>10</ID>
      <EquipmentRequirement><EquipmentID>MILL</EquipmentID></EquipmentRequirement>
      <MaterialRequirement>
        <MaterialDefinitionID>FERT-1001</MaterialDefinitionID>
        <MaterialUse>Produced</MaterialUse>
        <Quantity><QuantityString>1.5</QuantityString><DataType>decimal</DataType>
          <UnitOfMeasure>T3</UnitOfMeasure></Quantity>
      </MaterialRequirement>
    </SegmentRequirement>
    <RequestState OtherValue="Geparkt">Other</RequestState>
  </OperationsRequest>
</OperationsSchedule>"""

B2MML_V07 = b"""<?xml version="1.0" encoding="UTF-8"?>
<OperationsPerformance xmlns="http://www.mesa.org/xml/B2MML">
  <ID>RM-1</ID>
  <HierarchyScope><EquipmentID>DN</EquipmentID><EquipmentLevel>Enterprise</EquipmentLevel>
    <HierarchyScopeChild><EquipmentID>BH-1</EquipmentID><EquipmentLevel>Site</EquipmentLevel>
    </HierarchyScopeChild></HierarchyScope>
  <OperationsResponse>
    <ID>R-7781</ID>
    <OperationsRequestID>PO-7781</OperationsRequestID>
    <SegmentResponse>
      <ID>10</ID>
      <ActualStartTime>2026-03-02T06:00:00+07:00</ActualStartTime>
      <ActualEndTime>2026-03-02T12:00:00+07:00</ActualEndTime>
      <MaterialActual><MaterialDefinitionID>FERT-1001</MaterialDefinitionID>
        <MaterialUse>Yield Produced</MaterialUse></MaterialActual>
      <SegmentResponseChild><ID>10-1</ID>
        <ActualStartTime>2026-03-02T06:00:00+07:00</ActualStartTime>
        <ActualEndTime>2026-03-02T08:00:00+07:00</ActualEndTime>
        <EquipmentActual><EquipmentID>M1</EquipmentID></EquipmentActual></SegmentResponseChild>
      <SegmentResponseChild><ID>10-2</ID>
        <ActualStartTime>2026-03-02T08:00:00+07:00</ActualStartTime>
        <ActualEndTime>2026-03-02T10:00:00+07:00</ActualEndTime>
        <EquipmentActual><EquipmentID>M1</EquipmentID></EquipmentActual></SegmentResponseChild>
      <SegmentResponseChild><ID>10-3</ID>
        <ActualStartTime>2026-03-02T10:00:00+07:00</ActualStartTime>
        <ActualEndTime>2026-03-02T12:00:00+07:00</ActualEndTime>
        <EquipmentActual><EquipmentID>M2</EquipmentID></EquipmentActual></SegmentResponseChild>
    </SegmentResponse>
    <ResponseState>Completed</ResponseState>
  </OperationsResponse>
</OperationsPerformance>"""
