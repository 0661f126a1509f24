"""An edge node with a device by mqtt-spb-wrapper: births, then one value per line of input.

Runs in the stack `sparkplug-python` of `setup/foreign`: program PORT. A line is a number, or
`quit`, which says good-bye.
"""

import sys

from mqtt_spb_wrapper import (  # type: ignore[import-not-found]  # not installed here
    MqttSpbEntityDevice,
    MqttSpbEntityEdgeNode,
)


def main() -> None:
    port = int(sys.argv[1])
    node = MqttSpbEntityEdgeNode("Foreign", "wrapper")
    node.data.set_value("voltage", 12.5)
    assert node.connect(host="127.0.0.1", port=port)
    node.publish_birth()
    device = MqttSpbEntityDevice("Foreign", "wrapper", "CNC 1")
    device.attributes.set_value("maker", "X")
    device.data.set_value("temperature", 20.0)
    device.data.set_value("count", 5)
    device.data.set_value("note", "bắt đầu")
    device.commands.set_value("rebirth", False)
    assert device.connect(host="127.0.0.1", port=port)
    device.publish_birth()
    for line in sys.stdin:
        if line.strip() == "quit":
            break
        device.data.set_value("temperature", float(line))
        device.publish_data()
    device.disconnect()
    node.disconnect()


main()
