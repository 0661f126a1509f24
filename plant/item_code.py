"""Codes of products, reasons and meters as the system that made them writes them.

Unlike codes of places they go into no topic and no path, so nothing about them is ours to choose:
`FERT-1001`, `AB/1234.5`, `SP 001` and `TRỤC-A` stay what they are. Only what cannot be seen is
made alike, so that the code in a document and the one in a controller's memory are the same text.
"""

import unicodedata

from plant.errors import ConfigurationError

LONGEST = 64
# Controllers fill up strings with blanks and zero bytes, spreadsheets with no-break spaces.
_AROUND = " \t\r\n\0\u00a0\u2007\u202f\u3000\ufeff"


def told_code(text: str) -> str:
    """Return a code as anybody told it, in the one form in which codes are compared."""
    plain = unicodedata.normalize("NFC", text.strip(_AROUND))
    return plain.replace("\u00a0", " ").replace("\u202f", " ")


def item_code(text: str) -> str:
    """Return a code in the form in which it is kept: trimmed, composed (NFC), case kept.

    Raises ConfigurationError for a code that is empty, too long or holds control characters.
    """
    code = told_code(text)
    if not code or len(code) > LONGEST:
        raise ConfigurationError(f"{text[:80]!r} is no code: write 1 to {LONGEST} characters")
    if not code.isprintable():
        raise ConfigurationError(
            f"{text[:80]!r} is no code: it holds a line break or a character that cannot be printed"
        )
    return code
