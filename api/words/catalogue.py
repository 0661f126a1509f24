"""The words of the pages, one YAML file per language under `messages/`."""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

import yaml

from api.settings import Language


class Catalogue:
    """Words of one language by dotted key."""

    def __init__(self, language: Language, words: Mapping[str, str]) -> None:
        self.language: Language = language
        self._words = dict(words)

    def text(self, key: str, **values: object) -> str:
        """Return the words of a key with `{name}` filled in; raise KeyError if there are none."""
        return self._words[key].format(**values)

    def name_of(self, kind: str, code: str, **values: object) -> str:
        """Return the words for a code of a kind, or the code itself where it has none."""
        return self._words.get(f"{kind}.{code}", code).format(**values)

    def words(self) -> dict[str, str]:
        """Return all words by key."""
        return dict(self._words)


def load_catalogue(language: Language) -> Catalogue:
    """Return the catalogue of a language."""
    text = (files("api.words") / "messages" / f"{language}.yaml").read_text(encoding="utf-8")
    return Catalogue(language, dict(_flat(yaml.safe_load(text))))


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)


LANGUAGES: tuple[Language, ...] = ("vi", "en")
CATALOGUES: dict[Language, Catalogue] = {
    language: load_catalogue(language) for language in LANGUAGES
}
