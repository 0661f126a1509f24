"""Fields of a form, read from data; the answers are texts as people typed them.

A table, list or group is a text of lines, the cells of a line apart by `|`. What people sign
outside of the system stays blank here.
"""

import json
import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assessment.framework.criteria import Text
from plant.errors import ConfigurationError

SIGNED_OUTSIDE: Final = frozenset({"signature_blank", "workflow", "ref"})
"""Types of fields that nobody fills in: signatures, the way of the record, a table of its own."""
LONGEST: Final = 20_000
_NUMBER: Final = re.compile(r"^-?\d{1,3}(\.?\d{3})*(,\d+)?$")
_WHOLE: Final = re.compile(r"^\d{1,3}(\.?\d{3})*$")
_PERIOD: Final = re.compile(r"^\d{4}(0[1-9]|1[0-2])\b")
_TAX_CODE: Final = re.compile(r"^\d{10}(-\d{3})?$")


class FormField(BaseModel):
    """A field; `source` says where its wording comes from."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: Annotated[str, Field(pattern=r"^[A-Z]\d{2}$")]
    label_vi: Text
    type: str
    unit: str | None = None
    required: bool = False
    source: str = ""
    note: str | None = None

    @property
    def is_filled_in(self) -> bool:
        """Whether people fill it in here."""
        return self.type not in SIGNED_OUTSIDE

    @property
    def is_long(self) -> bool:
        """Whether its answer is a text of lines."""
        return self.type in {"table", "list", "group", "richtext", "contact"}


class FormSection(BaseModel):
    """Fields under a heading."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    section: str
    title_vi: Text
    fields: tuple[FormField, ...]


class Form(BaseModel):
    """A form with its sections."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    title_vi: Text
    sections: tuple[FormSection, ...]
    certainty: str | None = None

    @property
    def fields(self) -> tuple[FormField, ...]:
        """All fields, in their order."""
        return tuple(one for section in self.sections for one in section.fields)


@cache
def forms(content: bytes | None = None) -> dict[str, Form]:
    """Return the forms of a JSON document by identity, or those that come with the project.

    Raises:
        ConfigurationError: The document is not valid.
    """
    if content is None:
        content = (files("assessment.form") / "data/forms.json").read_bytes()
    try:
        said = json.loads(content)["forms"]
        return {
            name: Form.model_validate({"id": name, **_in_sections(one)})
            for name, one in said.items()
            if "fields" in one or any("fields" in part for part in _parts(one))
        }
    except (ValueError, KeyError, TypeError, ValidationError) as exc:
        raise ConfigurationError(f"Biểu mẫu không hợp lệ: {exc}") from exc


def problems_vi(form: Form, values: Mapping[str, str]) -> tuple[str, ...]:
    """Return what is missing or wrong, () where the form may be handed in."""
    known = {one.code: one for one in form.fields}
    found = [f"{code}: không có trong biểu mẫu" for code in values if code not in known]
    for field in form.fields:
        answer = values.get(field.code, "").strip()
        if not field.is_filled_in:
            continue
        if not answer:
            if field.required:
                found.append(f"{field.code} {field.label_vi}: chưa điền")
        elif wrong := _wrong(field, answer):
            found.append(f"{field.code} {field.label_vi}: {wrong}")
    return tuple(found)


def _wrong(field: FormField, answer: str) -> str | None:
    if len(answer) > LONGEST:
        return f"dài quá {LONGEST} ký tự"
    if field.code == "A02":
        return None if _TAX_CODE.match(answer) else "mã số thuế có 10 chữ số, hoặc 10-3"
    match field.type:
        case "number":
            return None if _NUMBER.match(answer) else "số viết theo kiểu Việt Nam, như 1.234,5"
        case "integer":
            return None if _WHOLE.match(answer) else "số nguyên không âm"
        case "scale0-5":
            return None if answer in {"0", "1", "2", "3", "4", "5"} else "từ 0 đến 5"
        case "bool":
            return None if answer in {"có", "không"} else "có hoặc không"
        case "date":
            return None if _is_date(answer) else "ngày viết YYYY-MM-DD, hoặc năm"
        case "period":
            return None if _PERIOD.match(answer) else "kỳ bắt đầu bằng YYYYMM"
    return None


def _is_date(answer: str) -> bool:
    if re.match(r"^\d{4}$", answer):
        return True
    try:
        date.fromisoformat(answer)
    except ValueError:
        return False
    return True


def _parts(one: Mapping[str, object]) -> list[dict[str, object]]:
    sections = one.get("sections")
    return (
        [part for part in sections if isinstance(part, dict)] if isinstance(sections, list) else []
    )


def _in_sections(one: Mapping[str, object]) -> dict[str, object]:
    if "fields" in one:
        title = one["title_vi"]
        section = {"section": "", "title_vi": title, "fields": one["fields"]}
        return {**one, "sections": [section]}
    return {**one, "sections": [part for part in _parts(one) if "fields" in part]}
