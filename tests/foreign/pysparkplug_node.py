"""An edge node by pysparkplug: births, then one value per line of standard input.

Runs in the stack `sparkplug-python` of `setup/foreign`: program PORT. A line is a number, or
`quit` (which leaves the broker without a death, as this library does), or `die`.
"""

import os
import sys

import pysparkplug as spb  # type: ignore[import-not-found]  # not installed here


def metric(name: str, datatype: object, value: object, alias: int) -> object:
    now = spb.get_current_timestamp()
    return spb.Metric(timestamp=now, name=name, datatype=datatype, value=value, alias=alias)


def main() -> None:
    kinds = spb.DataType
    device = spb.Device(
        "CNC 1",
        [
            metric("temperature", kinds.DOUBLE, 20.0, 1),
            metric("count", kinds.INT32, -5, 2),
            metric("small", kinds.INT8, -1, 3),
            metric("big", kinds.UINT64, 2**64 - 1, 4),
            metric("running", kinds.BOOLEAN, True, 5),
            metric("note", kinds.STRING, "bắt đầu", 6),
            metric("nothing", kinds.FLOAT, None, 7),
        ],
    )
    node = spb.EdgeNode("Foreign", "pysparkplug", [metric("voltage", kinds.FLOAT, 12.5, 8)])
    node.register(device)
    node.connect("127.0.0.1", port=int(sys.argv[1]), keepalive=5)
    for line in sys.stdin:
        if line.strip() == "quit":
            break
        if line.strip() == "die":
            os._exit(1)
        node.update_device("CNC 1", [metric("temperature", kinds.DOUBLE, float(line), 1)])
    node.disconnect()


main()
