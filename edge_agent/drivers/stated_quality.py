"""What a message says about the quality of a value."""

from typing import Final, Literal

from plant.measurement import Quality

Numbers = Literal["opc_da", "opc_ua"]

_WORDS: Final = {
    "good": Quality.GOOD,
    "ok": Quality.GOOD,
    "valid": Quality.GOOD,
    "true": Quality.GOOD,
    "uncertain": Quality.UNCERTAIN,
    "questionable": Quality.UNCERTAIN,
}


def quality_said(raw: object, numbers: Numbers) -> Quality:
    """Return the quality that a field of a message says; whatever is not known is bad.

    Truth is good, falsehood bad. Words such as `Good` and `Uncertain, …` go by their beginning.
    Numbers are OPC Classic's (192 and above good, 64 to 127 uncertain) or status codes of OPC UA
    (their two highest bits).
    """
    if isinstance(raw, bool):
        return Quality.GOOD if raw else Quality.BAD
    if isinstance(raw, str):
        text = raw.strip().lower()
        if not text.isdecimal():
            return next(
                (found for word, found in _WORDS.items() if text.startswith(word)), Quality.BAD
            )
        raw = int(text)
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    if not isinstance(raw, int) or raw < 0:
        return Quality.BAD
    if numbers == "opc_ua":
        return {0: Quality.GOOD, 1: Quality.UNCERTAIN}.get(raw >> 30 & 3, Quality.BAD)
    return {3: Quality.GOOD, 1: Quality.UNCERTAIN}.get(raw >> 6 & 3, Quality.BAD)
