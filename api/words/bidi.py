"""Names without the invisible characters that turn the direction of what stands around them.

With them a name can show `cnc-1` where `1-cnc` is written, or reverse the words after it (Unicode
Technical Report 36). No language needs them in a name: letters have a direction of their own. The
style sheets isolate every element, so that a name in letters that run from right to left orders
itself and nothing else.
"""

import json
import re
from typing import Any

_TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_GONE = dict.fromkeys(map(ord, _TURNING))
_ESCAPED = re.compile(r"(?<!\\)((?:\\\\)*)(?:\\u(?:061c|200[ef]|202[a-e]|206[6-9]))+")


def straight(text: str) -> str:
    """Return a text without characters that turn its direction."""
    return text.translate(_GONE)


def straight_value(value: Any) -> Any:
    """Return what a template puts out: texts without such characters, all else as it is."""
    # Markup, a kind of text, has been put together from such values.
    return straight(value) if type(value) is str else value


def straight_json(value: object, **options: Any) -> str:
    """Return a value as JSON in ASCII, whose texts have no such characters."""
    return _ESCAPED.sub(r"\1", json.dumps(value, **options))
