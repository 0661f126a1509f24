"""Google's protobuf library as a second opinion on our Sparkplug codec.

It needs compiled descriptors; `sparkplug_b.proto` is plain enough to be read here.
"""

import re
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

import plant.sparkplug

PROTO = Path(plant.sparkplug.__file__).with_name("sparkplug_b.proto")
_Field = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "uint32": _Field.TYPE_UINT32,
    "uint64": _Field.TYPE_UINT64,
    "bool": _Field.TYPE_BOOL,
    "float": _Field.TYPE_FLOAT,
    "double": _Field.TYPE_DOUBLE,
    "string": _Field.TYPE_STRING,
    "bytes": _Field.TYPE_BYTES,
}
_LINE = re.compile(r"(?:(optional|repeated) )?(\w+) (\w+) = (\d+);")


def descriptors() -> descriptor_pb2.FileDescriptorProto:
    """Return what the `.proto` file says."""
    text = re.sub(r"//.*", "", PROTO.read_text(encoding="utf-8"))
    file = descriptor_pb2.FileDescriptorProto(name="sparkplug_b.proto", syntax="proto2")
    found = re.search(r"package ([\w.]+);", text)
    assert found is not None
    file.package = found[1]
    for name, body in re.findall(r"message (\w+) \{(.*?)^\}", text, re.DOTALL | re.MULTILINE):
        message = file.message_type.add(name=name)
        inside, _, rest = body.partition("oneof value {")
        _add_fields(message, file.package, inside)
        if rest:
            message.oneof_decl.add(name="value")
            _add_fields(message, file.package, rest, oneof=True)
    return file


def _add_fields(
    message: descriptor_pb2.DescriptorProto, package: str, text: str, *, oneof: bool = False
) -> None:
    for label, kind, name, number in _LINE.findall(text):
        field = message.field.add(name=name, number=int(number))
        field.label = _Field.LABEL_REPEATED if label == "repeated" else _Field.LABEL_OPTIONAL
        if kind in _TYPES:
            field.type = _TYPES[kind]
        else:
            field.type, field.type_name = _Field.TYPE_MESSAGE, f".{package}.{kind}"
        if oneof:
            field.oneof_index = 0


def payload_class() -> Any:
    """Return Google's class for a payload."""
    file = descriptors()
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = pool.FindMessageTypeByName(f"{file.package}.Payload")
    return message_factory.GetMessageClass(found)
