"""Every board by its name in addresses."""

from collections.abc import Callable
from typing import Literal

from api.pages.boards.board import Board, Inquiry
from api.pages.boards.energy import energy_board
from api.pages.boards.losses import losses_board, waterfall_board
from api.pages.boards.production import comparison_board, hours_board
from api.pages.boards.quality import faults_board, spc_board
from api.pages.boards.stopping import failures_board, stops_board, timeline_board

BoardName = Literal[
    "hours",
    "waterfall",
    "stops",
    "timeline",
    "comparison",
    "losses",
    "failures",
    "spc",
    "energy",
    "faults",
]

BOARDS: dict[BoardName, Callable[[Inquiry], Board]] = {
    "hours": hours_board,
    "waterfall": waterfall_board,
    "stops": stops_board,
    "timeline": timeline_board,
    "comparison": comparison_board,
    "losses": losses_board,
    "failures": failures_board,
    "spc": spc_board,
    "energy": energy_board,
    "faults": faults_board,
}
