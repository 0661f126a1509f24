"""Inputs read back from their canonical JSON, so that a figure can be computed again anywhere."""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, Union, get_args, get_origin, get_type_hints

from assessment.evidence import inputs
from plant.errors import DataError


def inputs_of(content: Any) -> inputs.Inputs:
    """Return the inputs that `assessment.evidence.figure.canonical` wrote as JSON.

    Raises:
        DataError: The content is not of that form.
    """
    name = content.get("is") if isinstance(content, Mapping) else None
    of = getattr(inputs, name, None) if isinstance(name, str) else None
    if of is None or not is_dataclass(of):
        raise DataError("inputs_not_valid", f"{name!r} không phải đầu vào của số đo nào")
    try:
        read: inputs.Inputs = _read(of, content)
    except (TypeError, ValueError, KeyError, ZeroDivisionError) as exc:
        raise DataError("inputs_not_valid", f"{name}: {exc}") from exc
    return read


def _read(of: Any, content: Any) -> Any:
    origin = get_origin(of)
    if origin in {Union, types.UnionType}:
        if content is None:
            return None
        return _read(next(one for one in get_args(of) if one is not type(None)), content)
    if origin is tuple:
        of_each = get_args(of)
        if of_each[-1] is Ellipsis:
            return tuple(_read(of_each[0], one) for one in content)
        return tuple(_read(kind, one) for kind, one in zip(of_each, content, strict=True))
    if origin is frozenset:
        return frozenset(_read(get_args(of)[0], one) for one in content)
    if is_dataclass(of) and isinstance(of, type):
        hints = get_type_hints(of)
        named = {field.name for field in fields(of)}
        if content["is"] != of.__name__ or named != content.keys() - {"is"}:
            raise ValueError(f"{of.__name__}: {sorted(content)}")
        return of(**{name: _read(hints[name], content[name]) for name in named})
    return _single(of, content)


def _single(of: Any, content: Any) -> Any:
    if of is Fraction:
        return Fraction(content)
    if of is timedelta:
        return timedelta(microseconds=content["us"])
    if of is date:
        return date.fromisoformat(content)
    if of is float:
        return float.fromhex(content["float"]) if isinstance(content, Mapping) else float(content)
    if of in {int, str, bool} and type(content) is of:
        return content
    raise ValueError(f"{content!r} is no {getattr(of, '__name__', of)}")
