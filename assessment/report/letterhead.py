"""Who writes and signs, from settings: no names in code, names of organisations by date."""

from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from assessment.document import Organisations, Signature, organisations
from plant.errors import ConfigurationError


class LetterSettings(BaseModel):
    """What the head and the foot of documents say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    superior_role: str = "superior"
    """Role in the table of organisations."""
    issuer_role: str = "department"
    issuer_symbol: str = "SCT"
    place: str = "Đồng Nai"
    authority: str | None = "KT. GIÁM ĐỐC"
    office: str = "PHÓ GIÁM ĐỐC"
    recipients: tuple[str, ...] = ("Ban Giám đốc Sở", "Các phòng thuộc Sở", "Lưu: VT, CN")
    organisations_file: Path | None = None

    def names(self, day: date) -> tuple[str, str]:
        """Return the names of superior and issuer on a day.

        Raises:
            ConfigurationError: The table has no name for that day.
        """
        table = self._table()
        return table.name_on(self.superior_role, day), table.name_on(self.issuer_role, day)

    def signature(self) -> Signature:
        """Return who signs, by office."""
        return Signature(self.authority, self.office)

    def _table(self) -> Organisations:
        if self.organisations_file is None:
            return organisations()
        return organisations(self.organisations_file.read_bytes())


def letter_settings(file: Path | None) -> LetterSettings:
    """Return the settings of a JSON file, or the usual ones.

    Raises:
        ConfigurationError: The file cannot be read or is not valid.
    """
    if file is None:
        return LetterSettings()
    try:
        return LetterSettings.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as exc:
        raise ConfigurationError(f"{file}: {exc}") from exc
