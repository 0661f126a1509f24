"""Says what of an OpenAPI document would break those who were written for an earlier one.

`python -m setup.compatibility` compares the present document with the released one. Adding is free;
what is asked for may only grow wider, what is answered only narrower. With a new version in the
addresses (`/api/v2`), the old ones stay as they are, so nothing here has to be loosened.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]
REFERENCE = Path(__file__).parents[1] / "docs" / "reference"
_METHODS = ("get", "post", "put", "patch", "delete")
_UPPER, _LOWER = ("maximum", "maxLength", "maxItems"), ("minimum", "minLength", "minItems")


def breaks(old: Json, new: Json) -> list[str]:
    """Return what breaks, a line each; only addresses of the API count, pages are for people."""
    return list(_Comparison(old, new).all())


class _Comparison:
    def __init__(self, old: Json, new: Json) -> None:
        self._old = old
        self._new = new
        self._seen: set[tuple[str, str, bool]] = set()

    def all(self) -> Iterator[str]:
        for path, item in self._old["paths"].items():
            if not path.startswith("/api/"):
                continue
            for method in _METHODS:
                if method in item:
                    present = self._new["paths"].get(path, {}).get(method)
                    where = f"{method.upper()} {path}"
                    if present is None:
                        yield f"{where} is gone"
                    else:
                        yield from self._operation(where, item[method], present)

    def _operation(self, where: str, old: Json, new: Json) -> Iterator[str]:
        yield from self._parameters(where, old, new)
        for kind, body in old.get("requestBody", {}).get("content", {}).items():
            present = new.get("requestBody", {}).get("content", {}).get(kind)
            if present is None:
                yield f"{where}: no body of {kind} any more"
            else:
                named = f"{where}: body"
                yield from self._schema(named, body["schema"], present["schema"], asked=True)
        yield from self._answers(where, old["responses"], new["responses"])

    def _parameters(self, where: str, old: Json, new: Json) -> Iterator[str]:
        was = {(one["in"], one["name"]): one for one in old.get("parameters", ())}
        now = {(one["in"], one["name"]): one for one in new.get("parameters", ())}
        for key, parameter in was.items():
            if key not in now:
                yield f"{where}: parameter {key[1]} is gone"
            else:
                if now[key].get("required") and not parameter.get("required"):
                    yield f"{where}: parameter {key[1]} has to be sent"
                name = f"{where}: parameter {key[1]}"
                yield from self._schema(name, parameter["schema"], now[key]["schema"], asked=True)
        for key in now.keys() - was.keys():
            if now[key].get("required"):
                yield f"{where}: new parameter {key[1]} has to be sent"

    def _answers(self, where: str, old: Json, new: Json) -> Iterator[str]:
        for status, answer in old.items():
            if not status.startswith("2"):
                continue
            if status not in new:
                yield f"{where}: no answer {status} any more"
                continue
            for kind, content in answer.get("content", {}).items():
                present = new[status].get("content", {}).get(kind)
                if present is None:
                    yield f"{where}: no answer in {kind} any more"
                elif "schema" in content:
                    named = f"{where}: answer"
                    now_schema = present.get("schema", {})
                    yield from self._schema(named, content["schema"], now_schema, asked=False)

    def _schema(self, where: str, old: Json, new: Json, *, asked: bool) -> Iterator[str]:
        pair = (old.get("$ref", ""), new.get("$ref", ""), asked)
        if pair[0] and pair in self._seen:
            return
        self._seen.add(pair)
        old, new = _resolved(self._old, old), _resolved(self._new, new)
        was, now = _types(self._old, old), _types(self._new, new)
        # Of what is asked for all that was good stays good; of what is answered nothing comes in.
        lost = was - now if asked else now - was
        if was and now and lost:
            yield f"{where}: {', '.join(sorted(lost))} {'is refused' if asked else 'may come'}"
            return
        yield from _bounds(where, old, new, asked=asked)
        yield from self._fields(where, old, new, asked=asked)
        for key in ("items", "additionalProperties"):
            if isinstance(old.get(key), dict) and isinstance(new.get(key), dict):
                yield from self._schema(f"{where}[]", old[key], new[key], asked=asked)
        for one in _choices(self._old, old):
            for other in _choices(self._new, new):
                if one.get("type") == other.get("type") == "object" and (
                    one.get("title") == other.get("title")
                ):
                    yield from self._fields(where, one, other, asked=asked)

    def _fields(self, where: str, old: Json, new: Json, *, asked: bool) -> Iterator[str]:
        was, now = old.get("properties", {}), new.get("properties", {})
        for name, schema in was.items():
            if name not in now:
                yield f"{where}.{name} is gone"
            else:
                yield from self._schema(f"{where}.{name}", schema, now[name], asked=asked)
        must, must_now = set(old.get("required", ())), set(new.get("required", ()))
        if asked:
            yield from (f"{where}.{name} has to be sent" for name in must_now - must)
        else:
            yield from (
                f"{where}.{name} may be left out" for name in must - must_now if name in now
            )


def _resolved(document: Json, schema: Json) -> Json:
    while "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def _choices(document: Json, schema: Json) -> list[Json]:
    return [
        _resolved(document, one)
        for key in ("anyOf", "oneOf", "allOf")
        for one in schema.get(key, ())
    ]


def _types(document: Json, schema: Json) -> set[str]:
    """Return what a value may be: its types, and the words where there are but some."""
    choices = _choices(document, schema)
    if choices:
        return set().union(*(_types(document, one) for one in choices))
    if "enum" in schema or "const" in schema:
        return {repr(word) for word in schema.get("enum", [schema.get("const")])}
    kind = schema.get("type")
    return set(kind) if isinstance(kind, list) else {kind} if kind else set()


def _bounds(where: str, old: Json, new: Json, *, asked: bool) -> Iterator[str]:
    if not asked:
        return
    for key in _UPPER:
        if key in new and new[key] < old.get(key, float("inf")):
            yield f"{where}: {key} is {new[key]}"
    for key in _LOWER:
        if key in new and new[key] > old.get(key, float("-inf")):
            yield f"{where}: {key} is {new[key]}"


def main() -> int:
    """Print what breaks; return 1 where something does."""
    documents = [
        json.loads((REFERENCE / name).read_text(encoding="utf-8"))
        for name in ("openapi-released.json", "openapi.json")
    ]
    found = breaks(*documents)
    sys.stdout.write("".join(f"{line}\n" for line in found))
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
