"""Names of organisations by date: what a letterhead says is what was true on the document's day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, TypeAdapter

from assessment.framework.criteria import Text
from plant.errors import ConfigurationError


class Organisation(BaseModel):
    """A name that an organisation bears from a day on, until the next one of its role."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Text
    name_vi: Text
    valid_from: date


@dataclass(frozen=True, slots=True)
class Organisations:
    """The table of names."""

    rows: tuple[Organisation, ...]

    def name_on(self, role: str, day: date) -> str:
        """Return the name of an organisation on a day.

        Raises:
            ConfigurationError: The table has no name of this role for that day.
        """
        valid = [one for one in self.rows if one.role == role and one.valid_from <= day]
        if not valid:
            raise ConfigurationError(f"Bảng tổ chức không có tên của '{role}' vào ngày {day}.")
        return max(valid, key=lambda one: one.valid_from).name_vi


_ROWS: TypeAdapter[Sequence[Organisation]] = TypeAdapter(Sequence[Organisation])


def organisations(content: bytes | None = None) -> Organisations:
    """Return the table of a JSON document, or the one that comes with the project."""
    if content is None:
        content = (files("assessment.document") / "data/organisations.json").read_bytes()
    return Organisations(tuple(_ROWS.validate_json(content)))
