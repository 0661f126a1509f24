"""Checking sources that came over the wire, before anything of them is used."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from yaml.nodes import Node

from edge_agent.settings import EdgeSettings
from plant.errors import ConfigurationError
from plant.native.message import MAX_CONFIG_CHARACTERS, EdgeAddress
from plant.settings import explain

MAX_DEPTH = 20


class _PlainLoader(yaml.SafeLoader):
    """YAML without aliases, which let a small text become an enormous one, and not too deep.

    Nor with explicit types (`!!timestamp`): a text that is none of its type ends PyYAML itself.
    """

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("anchors and aliases (& and *) are not taken")
        event: object = self.peek_event()  # type: ignore[no-untyped-call]  # so are its stubs
        if getattr(event, "tag", None) is not None:
            raise yaml.YAMLError("explicit types (!) are not taken")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise yaml.YAMLError(f"it is nested deeper than {MAX_DEPTH}")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def checked_sources(text: str, local: EdgeSettings) -> EdgeSettings:
    """Return the settings of an edge with the sources of a pushed text in place of its own.

    Secrets and file paths are not the platform's to give: a password comes from the environment
    or from a file, and only files that the edge's own settings name may be read.

    Raises:
        ConfigurationError: naming everything that is wrong with the text.
    """
    settings = _settings(text, local.model_dump())
    strange = sorted(_paths(settings.model_dump()["sources"]) - _paths(local.model_dump()))
    if strange:
        raise ConfigurationError(
            f"files that the edge's own settings do not name: {', '.join(strange)}"
        )
    return settings


def checked_for(edge: EdgeAddress, text: str) -> EdgeSettings:
    """Return a text that is to be pushed as settings of the edge, checked as the edge will.

    Only what the edge alone knows stays open: which files its own settings name, and its secrets.

    Raises:
        ConfigurationError: naming everything that is wrong with the text.
    """
    if len(text) > MAX_CONFIG_CHARACTERS:
        raise ConfigurationError(f"it is longer than {MAX_CONFIG_CHARACTERS} characters")
    identity = {"enterprise": edge.enterprise, "site": edge.site, "code": edge.edge}
    return _settings(text, {"edge": identity, "outbox": {"file": "outbox.sqlite"}})


def _settings(text: str, others: Mapping[str, Any]) -> EdgeSettings:
    content = _mapping(text)
    unknown = sorted(str(key) for key in content.keys() - {"sources"})
    if unknown or "sources" not in content:
        raise ConfigurationError(
            f"a pushed text has the key sources and no other (found: {', '.join(unknown) or '-'})"
        )
    secret = next(_keys(content, "password"), None)
    if secret is not None:
        raise ConfigurationError(
            f"{secret}: a password is not sent; set it in the edge's environment or password_file"
        )
    try:
        return EdgeSettings(**{**others, "sources": content["sources"]})
    except ValidationError as exc:
        raise ConfigurationError(explain(exc, EdgeSettings, content)) from exc


def _mapping(text: str) -> Mapping[str, Any]:
    try:
        content = yaml.load(text, Loader=_PlainLoader)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, OverflowError) as exc:
        # Dates and numbers that cannot be, and keys that are mappings, are no YAMLErrors.
        raise ConfigurationError(f"it is not valid YAML: {exc}") from exc
    if not isinstance(content, dict):
        raise ConfigurationError("it must hold named settings (key: value)")
    return content


def _keys(content: object, wanted: str, path: str = "") -> Iterator[str]:
    """Yield the dotted paths of all keys of a name."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            here = f"{path}.{key}" if path else str(key)
            if key == wanted:
                yield here
            yield from _keys(value, wanted, here)
    elif isinstance(content, Sequence) and not isinstance(content, str | bytes):
        for number, value in enumerate(content):
            yield from _keys(value, wanted, f"{path}.{number}")


def _paths(content: object) -> set[str]:
    """Return all file paths among validated settings."""
    if isinstance(content, Path):
        return {str(content)}
    if isinstance(content, Mapping):
        return {path for value in content.values() for path in _paths(value)}
    if isinstance(content, list | tuple):
        return {path for value in content for path in _paths(value)}
    return set()
