import pytest

from edge_agent.drivers.opcua.address import NodeAddress, steps_of

NAMESPACES = ["http://opcfoundation.org/UA/", "urn:server", "urn:a;b", "http://x/%20y"]


@pytest.mark.parametrize(
    ("text", "index", "kind", "identifier"),
    [
        ("ns=2;s=cnc-1.state", 2, "s", "cnc-1.state"),
        ("i=2258", 0, "i", "2258"),
        ("ns=1;s=a;b=c[3]", 1, "s", "a;b=c[3]"),
        ("nsu=urn:server;i=5", 1, "i", "5"),
        ("nsu=urn:a%3Bb;s=x", 2, "s", "x"),
        ("nsu=http://x/%20y;s=x", 3, "s", "x"),
        (
            "ns=1;g=09087e75-8e5e-499b-954f-f2a9603db28a",
            1,
            "g",
            "09087e75-8e5e-499b-954f-f2a9603db28a",
        ),
        ("ns=1;b=AQI=", 1, "b", "AQI="),
    ],
)
def test_a_node_id_is_read_as_it_is_written(
    text: str, index: int, kind: str, identifier: str
) -> None:
    address = NodeAddress.of(text)
    assert (address.index_in(NAMESPACES), address.kind, address.identifier) == (
        index,
        kind,
        identifier,
    )


@pytest.mark.parametrize(
    "text",
    ["", "cnc-1", "ns=2", "ns=x;i=1", "i=-1", "i=4294967296", "g=1", "ns=70000;i=1", "nsu=;i=1"],
)
def test_what_is_no_node_id_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        NodeAddress.of(text)


def test_a_namespace_that_a_server_has_not_is_told_with_those_that_it_has() -> None:
    with pytest.raises(ValueError, match="no namespace 'urn:other'; it has urn:server, urn:a;b"):
        NodeAddress.of("nsu=urn:other;i=1").index_in(NAMESPACES)


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("", ()),
        ("[3]", ((3,),)),
        ("Axis.Position[0]", ("Axis", "Position", (0,))),
        ("[1,2].Speed", ((1, 2), "Speed")),
        ("Vị trí", ("Vị trí",)),
    ],
)
def test_a_path_has_names_and_indexes(path: str, steps: tuple[object, ...]) -> None:
    assert steps_of(path) == steps


@pytest.mark.parametrize("path", ["[", "[x]", "[-1]", "a..b", "a.", "]", "a]"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="no part of a value"):
        steps_of(path)
