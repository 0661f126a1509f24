"""Which rows the database has already, where no ledger knows of them.

They are compared by tag, source time and value: two values of one moment are no repetition.
"""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from ingest.commit.new_rows import number_columns, text_columns
from ingest.validation.registry import TagColumns
from ingest.validation.validation import Rows
from store.delivery.row import DeliveryTransaction


def stored_rows(
    transaction: DeliveryTransaction,
    rows: Rows,
    suspect: NDArray[np.bool_],
    tags: TagColumns,
    received_until: datetime | None = None,
) -> NDArray[np.bool_]:
    """Tell which of the suspect rows are stored: shape (n,).

    All suspect rows are of tags that are known. With `received_until` only what had arrived by
    then counts as stored.
    """
    found = np.zeros(len(rows), np.bool_)
    if suspect.any():
        is_text = np.zeros(len(rows), np.bool_)
        is_text[suspect] = tags.is_text[rows.position[suspect]]
        numbers = number_columns(rows, suspect, tags)
        found[suspect & ~is_text] = transaction.stored_numbers(numbers, received_until)
        texts = text_columns(rows, suspect, tags)
        found[suspect & is_text] = transaction.stored_texts(texts, received_until)
    return found
