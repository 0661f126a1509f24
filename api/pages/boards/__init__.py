"""Boards: figures with their tables, for a place and a window, on a page, as a file, in the API."""

from api.pages.boards.board import Board, Inquiry, tables_of
from api.tables.table import Table

__all__ = ["Board", "Inquiry", "Table", "tables_of"]
