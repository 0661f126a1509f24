"""MTConnect documents as tests write them."""


def streams(
    *observations: str,
    instance: int = 7,
    first: int = 1,
    last: int = 0,
    following: int = 1,
    version: str = "1.7",
) -> bytes:
    """A streams document; observations are `Samples/<Position …>5</Position>` and the like."""
    content = "".join(
        f"<{section}>{element}</{section}>"
        for section, _, element in (observation.partition("/") for observation in observations)
    )
    return (
        f'<MTConnectStreams xmlns="urn:mtconnect.org:MTConnectStreams:{version}">'
        f'<Header creationTime="2026-03-02T06:00:00Z" instanceId="{instance}" '
        f'firstSequence="{first}" lastSequence="{last}" nextSequence="{following}"/>'
        f'<Streams><DeviceStream name="cnc"><ComponentStream component="Linear">{content}'
        "</ComponentStream></DeviceStream></Streams></MTConnectStreams>"
    ).encode()


def position(sequence: int, value: object, data_item: str = "x") -> str:
    """A sample of a position."""
    return (
        f'Samples/<Position dataItemId="{data_item}" sequence="{sequence}" '
        f'timestamp="2026-03-02T06:00:{sequence:02d}Z">{value}</Position>'
    )
