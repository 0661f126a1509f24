"""Writing is for our own pages and for programs, never for a page of another web site."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Header

from api.http.problems import ProblemError


async def _refuse_other_sites(
    sec_fetch_site: Annotated[str, Header(include_in_schema=False)] = "same-origin",
) -> None:
    # Programs do not send the header, and no page can keep a browser from sending it.
    if sec_fetch_site in {"cross-site", "same-site"}:
        raise ProblemError(
            HTTPStatus.FORBIDDEN, "cross-site", "Other site", "Only our own pages may write."
        )


OwnPagesOnly = Depends(_refuse_other_sites)
