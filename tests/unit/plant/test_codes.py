"""Codes as an ERP writes them, in the one form in which they are kept and compared."""

import unicodedata

import pytest

from plant.errors import ConfigurationError
from plant.place import item_code, told_code


@pytest.mark.parametrize("code", ["FERT-1001", "AB/1234.5", "SP 001", "TRỤC-A", "Lô ố", "000123"])
def test_a_code_stays_as_it_is_written(code: str) -> None:
    assert item_code(code) == code
    for told in (f" {code}\0\0", f"\ufeff{code}\r\n", code.replace(" ", "\u00a0")):
        assert told_code(told) == code
    assert told_code(unicodedata.normalize("NFD", code)) == code


@pytest.mark.parametrize("code", ["", "  \0", "A\nB", "A\0B", "A" * 65])
def test_what_is_no_code_is_refused(code: str) -> None:
    with pytest.raises(ConfigurationError, match="is no code"):
        item_code(code)


def test_the_case_of_letters_tells_codes_apart() -> None:
    assert told_code("FERT-1001") != told_code("fert-1001")
