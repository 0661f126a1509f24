"""Units in which an ERP counts pieces, as many pieces each."""

from typing import Final

# Common codes of ERPs beside UN/ECE Recommendation 20 (C62, H87, EA, NMP, DZN, CEN, MIL) and words.
_PIECES: Final[dict[str, float]] = {
    **dict.fromkeys(
        (
            *("", "c62", "h87", "ea", "each", "pc", "pcs", "pce", "piece", "pieces", "st", "stk"),
            *("stck", "stück", "stueck", "unit", "units", "un", "nar", "one", "item", "items"),
            *("part", "parts", "cái", "cai", "chiếc", "chiec", "con", "sp", "sản phẩm"),
            *("san pham", "đơn vị", "don vi"),
        ),
        1.0,
    ),
    **dict.fromkeys(("pr", "npr", "pair", "pairs", "paar", "đôi", "cặp"), 2.0),
    **dict.fromkeys(("dz", "dzn", "dozen", "dozens", "dtz", "dutzend", "tá"), 12.0),
    **dict.fromkeys(("cen", "c", "hundred", "trăm"), 100.0),
    **dict.fromkeys(("t3", "tpc", "mil", "thousand", "tsd", "tausend", "nghìn", "ngàn"), 1000.0),
    **dict.fromkeys(("mio", "million", "triệu"), 1e6),
}
_SECONDS: Final[dict[str, float]] = {
    **dict.fromkeys(("", "s", "sec", "second", "seconds", "sek", "giây", "giay"), 1.0),
    **dict.fromkeys(("min", "minute", "minutes", "minuten", "phút", "phut", "mi"), 60.0),
    **dict.fromkeys(("h", "hr", "hour", "hours", "std", "giờ", "gio", "hur"), 3600.0),
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 0.001),
}


def pieces(unit: str) -> float | None:
    """Return how many pieces a unit is, None for one that counts no pieces or is not known."""
    return _PIECES.get(unit.strip().casefold().rstrip("."))


def seconds(unit: str) -> float | None:
    """Return how many seconds a unit of time is, None for one that is not known."""
    return _SECONDS.get(unit.strip().casefold().rstrip("."))


def factor_of(field: str, unit: str) -> float | None:
    """Return by what a number in a unit is multiplied to be what a field of a document holds."""
    return seconds(unit) if field == "seconds" else pieces(unit)


def known_units(field: str) -> str:
    """Return the units that are understood, in words."""
    return ", ".join(sorted(name for name in (_SECONDS if field == "seconds" else _PIECES) if name))
