"""Numbers, times and durations as people of a language and a place read them."""

import math
from datetime import datetime
from zoneinfo import ZoneInfo

from api.settings import Language
from api.words.catalogue import Catalogue

DASH = "—"
# UCUM codes whose print symbol differs from the code.
_SYMBOLS = {"Cel": "°C", "[degF]": "°F", "um": "µm", "Ohm": "Ω", "deg": "°", "[g]": "g"}
_SEPARATORS = {
    "vi": str.maketrans(",.", ".,"),
    "en": str.maketrans("", ""),
}


class Formatter:
    """Formats in one language and one site's time zone; undefined values become a dash."""

    def __init__(self, catalogue: Catalogue, zone: ZoneInfo, now: datetime) -> None:
        self.catalogue = catalogue
        self.zone = zone
        self.now = now

    @property
    def language(self) -> Language:
        """The language."""
        return self.catalogue.language

    def text(self, key: str, **values: object) -> str:
        """Return the catalogue's words for a key."""
        return self.catalogue.text(key, **values)

    def number(self, value: float | None, digits: int = 0) -> str:
        """Return a number with the language's separators."""
        if value is None or not math.isfinite(value):
            return DASH
        # What rounds to nothing has no sign.
        text = f"{round(value, digits) or 0.0:,.{digits}f}".translate(_SEPARATORS[self.language])
        return text.replace("-", "−")

    def short(self, value: float | None) -> str:
        """Return a process value with about four significant digits."""
        return DASH if value is None else self.number(value, self.digits(value))

    @staticmethod
    def digits(value: float) -> int:
        """Return how many decimals give a value about four significant digits, three at most."""
        if not value or not math.isfinite(value):
            return 3
        return min(3, max(0, 3 - math.floor(math.log10(abs(value)))))

    def unit(self, code: str) -> str:
        """Return the print symbol of a unit given as a UCUM code."""
        return _SYMBOLS.get(code, code)

    def percent(self, value: float | None, digits: int = 1) -> str:
        """Return a fraction as a percentage."""
        if value is None or not math.isfinite(value):
            return DASH
        return f"{self.number(100 * value, digits)}%"

    def local(self, moment: datetime) -> datetime:
        """Return a moment in the site's zone."""
        return moment.astimezone(self.zone)

    def clock(self, moment: datetime | None) -> str:
        """Return the time of day, with the date unless it is today's."""
        if moment is None:
            return DASH
        local = self.local(moment)
        if local.date() == self.local(self.now).date():
            return f"{local:%H:%M}"
        return f"{local:%H:%M} {local:%d/%m}"

    def duration(self, seconds: float | None) -> str:
        """Return a duration in its two largest units."""
        if seconds is None or not math.isfinite(seconds):
            return DASH
        whole = round(max(0.0, seconds))
        if whole < 60:
            return self.text("unit.seconds", s=whole)
        minutes = whole // 60
        if minutes < 10 and whole % 60:
            return self.text("unit.minutes_seconds", m=minutes, s=f"{whole % 60:02}")
        if minutes < 60:
            return self.text("unit.minutes", m=minutes)
        hours = minutes // 60
        if hours < 48:
            return self.text("unit.hours", h=hours, m=f"{minutes % 60:02}")
        return self.text("unit.days", d=hours // 24, h=f"{hours % 24:02}")
