"""MTConnect without a network: documents, sequence numbers, parts of a stream."""

import pytest

from edge_agent.drivers.mtconnect.assets import MAX_ASSET_BYTES, parse_asset
from edge_agent.drivers.mtconnect.conditions import Conditions
from edge_agent.drivers.mtconnect.document import AgentError, Category, DataItem, parse, time_us
from edge_agent.drivers.mtconnect.multipart import MAX_HEADER_BYTES, PartReader, boundary_of
from edge_agent.drivers.mtconnect.reading import readings, resolved
from edge_agent.drivers.mtconnect.sequence import Cursor, follow
from edge_agent.drivers.mtconnect.settings import AssetPath, MtConnectTagSettings
from plant.errors import DataError
from plant.measurement import Quality
from tests.unit.edge_agent.drivers.mtconnect_documents import position, streams

UNIT = "gia-cong/day-chuyen-1/cnc-1"


def tag(data_item: str, **more: object) -> MtConnectTagSettings:
    content = {"name": f"cnc-1/{data_item}", "work_unit": UNIT, "data_item": data_item, **more}
    return MtConnectTagSettings.model_validate(content)


@pytest.mark.parametrize("version", ["1.0", "1.3", "1.8", "2.0", "2.4"])
def test_a_document_is_read_when_its_namespace_is_of_another_version(version: str) -> None:
    document = parse(streams(position(5, 12.5), first=3, last=5, following=6, version=version))
    (seen,) = document.observations
    assert (document.instance, document.first, document.last, document.next) == (7, 3, 5, 6)
    assert (seen.sequence, seen.data_item, seen.text) == (5, "x", "12.5")
    assert seen.category is Category.SAMPLE
    assert seen.time_us == 1_772_431_205_000_000


def test_prefixed_and_extended_elements_are_read_when_a_vendor_has_its_own() -> None:
    document = parse(
        b'<m:MTConnectStreams xmlns:m="urn:mtconnect.org:MTConnectStreams:1.5" xmlns:v="urn:v">'
        b'<m:Header instanceId="1" nextSequence="3" firstSequence="1" lastSequence="2"/>'
        b'<m:Streams><m:Events><v:Load dataItemId="l" sequence="1" timestamp="t">80</v:Load>'
        b'<m:VariableDataSet dataItemId="v" sequence="2" timestamp="2026-03-02T06:00:00">'
        b'<m:Entry key="a">1</m:Entry><m:Entry key="b">2</m:Entry></m:VariableDataSet>'
        b"</m:Events></m:Streams></m:MTConnectStreams>"
    )
    assert [(seen.data_item, seen.text, seen.time_us) for seen in document.observations] == [
        ("l", "80", None),
        ("v", "a=1 b=2", 1_772_431_200_000_000),
    ]


def test_conditions_have_level_code_and_text() -> None:
    document = parse(
        streams(
            'Condition/<Fault dataItemId="c" sequence="1" timestamp="2026-03-02T06:00:00Z" '
            'nativeCode="E4" type="SYSTEM">Tool &lt;broken&gt;</Fault>'
        )
    )
    (seen,) = document.observations
    assert (seen.level, seen.code, seen.text) == ("FAULT", "E4", "Tool <broken>")
    tags = {
        "c": [tag("c", value_type="text", condition=part) for part in ("level", "code", "text")]
    }
    found = [
        one.value for one in readings(document.observations, tags, Conditions()) if one is not None
    ]
    assert found == ["FAULT", "E4", "Tool <broken>"]


@pytest.mark.parametrize(
    "errors",
    [
        b'<Errors><Error errorCode="OUT_OF_RANGE">too old</Error></Errors>',
        b'<Error errorCode="OUT_OF_RANGE">too old</Error>',
        b'<Errors><OutOfRange errorCode="OUT_OF_RANGE"><ErrorMessage>too old</ErrorMessage>'
        b"</OutOfRange></Errors>",
    ],
    ids=["1.1 to 2.5", "1.0", "2.6"],
)
def test_an_error_is_read_in_every_form_it_had(errors: bytes) -> None:
    document = parse(b'<MTConnectError><Header instanceId="1"/>' + errors + b"</MTConnectError>")
    assert document.errors == (AgentError("OUT_OF_RANGE", "too old"),)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"not xml",
        b"<a/>",
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1/x"><a/>',
        b'<?xml version="1.0" encoding="klingon"?><a/>',
        b"<a>" * 200,
        b'<S><Header instanceId="x"/></S>',
        b'<S><Header instanceId="' + b"9" * 5000 + b'"/></S>',
        b'<S><Header instanceId="1"/><Samples><P dataItemId="x"/></Samples></S>',
        b'<S><Header instanceId="1"/><P dataItemId="x" sequence="1"/></S>',
    ],
    ids=[
        "empty", "text", "other xml", "entity", "outside", "encoding", "deep", "letters", "huge",
        "no number", "no section",
    ],
)  # fmt: skip
def test_what_is_no_document_is_refused_with_a_reason(payload: bytes) -> None:
    with pytest.raises(DataError, match="malformed"):
        parse(payload)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02T06:00:00.1234567Z", 1_772_431_200_123_456),
        ("2026-03-02T06:00:00", 1_772_431_200_000_000),
        ("2026-03-02T13:00:00+07:00@100.0", 1_772_431_200_000_000),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times_are_read_in_the_forms_that_agents_write(text: str, expected: int | None) -> None:
    assert time_us(text) == expected


def test_what_is_new_follows_from_the_numbers() -> None:
    seen = [position(number, number) for number in (4, 5, 6)]
    document = parse(streams(*seen, first=1, last=9, following=7))
    step = follow(Cursor(7, 5), document, whole_agent=True)
    assert [one.sequence for one in step.fresh] == [5, 6]
    assert (step.cursor, step.lost, step.hole, step.caught_up) == (Cursor(7, 7), 0, 0, False)


def test_numbers_that_do_not_appear_are_a_hole_only_when_the_whole_agent_is_read() -> None:
    document = parse(streams(position(6, 1), first=1, last=6, following=7))
    assert follow(Cursor(7, 4), document, whole_agent=True).hole == 2
    assert follow(Cursor(7, 4), document, whole_agent=False).hole == 0


def test_what_left_the_buffer_is_lost_when_the_agent_does_not_say_so_itself() -> None:
    document = parse(streams(position(9, 1), first=9, last=9, following=10))
    step = follow(Cursor(7, 4), document, whole_agent=True)
    assert (step.lost, step.hole, step.caught_up) == (5, 0, True)


@pytest.mark.parametrize(("instance", "following"), [(8, 5), (7, 2)])
def test_a_new_life_is_noticed_when_instance_or_numbers_say_so(
    instance: int, following: int
) -> None:
    document = parse(streams(instance=instance, following=following))
    with pytest.raises(DataError, match="restarted"):
        follow(Cursor(7, 4), document, whole_agent=True)


@pytest.mark.parametrize("position", [None, "", "x", "7", "7:", ":4", "7:-4", "7:²"])
def test_a_position_of_another_kind_is_none(position: str | None) -> None:
    assert Cursor.parse(position) is None
    assert Cursor.parse(str(Cursor(7, 4))) == Cursor(7, 4)


def test_parts_come_out_whole_when_the_stream_is_cut_anywhere() -> None:
    part = b"--b\r\nContent-type: text/xml\r\nContent-length: 5\r\n\r\n<a/>\n"
    stream = part + b"\r\n" + part + b"\r\n--b\nCONTENT-LENGTH:2\n\nxy"
    for size in (1, 2, 7, len(stream)):
        reader = PartReader(b"b", 100)
        parts = [
            one
            for start in range(0, len(stream), size)
            for one in reader.feed(stream[start : start + size])
        ]
        assert parts == [b"<a/>\n", b"<a/>\n", b"xy"]


@pytest.mark.parametrize(
    "stream",
    [
        b"--b\r\nContent-length: 500\r\n\r\n",
        b"--b\r\nContent-type: text/xml\r\n\r\n",
        b"--c\r\nContent-length: 5\r\n\r\n",
        b"x" * (MAX_HEADER_BYTES + 1),
        b"--b\r\nContent-length: -1\r\n\r\n",
    ],
    ids=["too long", "no length", "other boundary", "no head", "negative"],
)
def test_a_stream_that_is_none_is_refused(stream: bytes) -> None:
    with pytest.raises(DataError, match="malformed"):
        PartReader(b"b", 100).feed(stream)


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/x-mixed-replace;boundary=abc", b"abc"),
        ('Multipart/X-Mixed-Replace; charset=utf-8; boundary="a-b"', b"a-b"),
        ("text/xml", None),
        ("multipart/x-mixed-replace", None),
        ("", None),
    ],
)
def test_a_stream_is_known_by_its_content_type(content_type: str, boundary: bytes | None) -> None:
    assert boundary_of(content_type) == boundary


def test_tags_find_their_data_items_by_id_then_by_name() -> None:
    items = [DataItem("x1", "Xact"), DataItem("x2", "load"), DataItem("x3", "load")]
    found, missing = resolved([tag("x1"), tag("Xact"), tag("load"), tag("z")], items)
    assert {key: len(tags) for key, tags in found.items()} == {"x1": 2}
    assert sorted(missing.values()) == [
        "cnc-1/load (load): 2 data items have this name; give the id: x2, x3",
        "cnc-1/z (z): the agent has no such data item",
    ]


def test_values_keep_their_form_when_they_are_no_numbers() -> None:
    document = parse(streams(position(1, "12"), position(2, "1 2 3"), position(3, "UNAVAILABLE")))
    found = [
        one
        for one in readings(document.observations, {"x": [tag("x")]}, Conditions())
        if one is not None
    ]
    assert [(one.value, one.quality) for one in found] == [
        (12, Quality.GOOD),
        ("1 2 3", Quality.GOOD),
        (None, Quality.BAD),
    ]


def test_a_part_of_an_asset_is_found_by_names_attributes_and_words() -> None:
    content = (
        b'<a:MTConnectAssets xmlns:a="urn:mtconnect.org:MTConnectAssets:2.0"><a:Header/><a:Assets>'
        b'<a:File assetId="other" timestamp="2026-03-02T06:00:00Z"><a:Size>1</a:Size></a:File>'
        b'<a:File assetId="f" timestamp="2026-03-02T06:00:01Z"><a:Part kind="x"><a:Size>7</a:Size>'
        b'</a:Part><a:Part kind="y"><a:Size unit="B">8 <a:b>9</a:b></a:Size></a:Part></a:File>'
        b"</a:Assets></a:MTConnectAssets>"
    )
    asset = parse_asset(content, "f")
    found = {
        path: asset.text(AssetPath.of(path))
        for path in ("Part/Size", "Part[kind=y]/Size", "Part[kind=y]/Size/@unit", "@assetId",
                     "Part[kind=z]/Size", "Size", "Part/@no")
    }  # fmt: skip
    assert list(found.values()) == ["7", "8 9", "B", "f", None, None, None]
    assert asset.time_us == 1_772_431_201_000_000


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"", "no element"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "DTD"),
        (b"<a>" + b" " * MAX_ASSET_BYTES + b"</a>", "more than"),
        (b'<E><Errors><Error errorCode="ASSET_NOT_FOUND">no f</Error></Errors></E>', "no f"),
        (b"<a><b assetId='g'/></a>", "no such asset"),
    ],
)
def test_what_is_no_asset_is_refused_with_a_reason(payload: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        parse_asset(payload, "f")


@pytest.mark.parametrize("path", ["", "/", "a//b", "a[b]/c", "a b", "a/[b=c]"])
def test_a_path_that_leads_into_no_asset_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="leads to no part of an asset"):
        tag("x", asset="f", path=path)
