"""Hears a node by pysparkplug and prints each message as a line of JSON.

Runs in the stack `sparkplug-python` of `setup/foreign`: program PORT GROUP NODE DEVICE.
"""

import json
import sys

import pysparkplug as spb  # type: ignore[import-not-found]  # not installed here


def heard(_client: object, message: object) -> None:
    payload = message.payload  # type: ignore[attr-defined]  # the library is not installed here
    metrics = [
        {"name": m.name, "value": m.value, "null": m.is_null, "history": m.is_historical}
        for m in getattr(payload, "metrics", ())
    ]
    kind = str(message.topic.message_type)  # type: ignore[attr-defined]  # the same
    line = {"kind": kind, "seq": getattr(payload, "seq", None), "metrics": metrics}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def ready(_client: object) -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


def main() -> None:
    port, group, node, device = sys.argv[1:]
    kinds = spb.MessageType
    client = spb.Client()
    for kind in (kinds.NBIRTH, kinds.NDEATH):
        topic = spb.Topic(group_id=group, message_type=kind, edge_node_id=node)
        client.subscribe(topic, spb.QoS.AT_LEAST_ONCE, heard)
    for kind in (kinds.DBIRTH, kinds.DDATA):
        topic = spb.Topic(group_id=group, message_type=kind, edge_node_id=node, device_id=device)
        client.subscribe(topic, spb.QoS.AT_LEAST_ONCE, heard)
    client.connect("127.0.0.1", port=int(port), callback=ready)
    sys.stdin.read()
    client.disconnect()


main()
