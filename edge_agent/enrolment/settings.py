"""Settings of enrolment."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from plant.settings import StrictModel


class EnrolmentSettings(StrictModel):
    """Where this edge gets its certificates; they are kept in `broker.tls.certificate_file`."""

    url: Annotated[str, Field(pattern=r"^https://[^\s/?#@]+/?$")]
    """Address of the platform's API, such as `https://platform:8000`; `broker.tls.ca_file` says
    which authority its certificate must be of."""
    token_file: Path | None = None
    """File with a one-time token. With it an edge that has no certificate enrols by itself when it
    starts; left out, somebody runs `nhipmay edge enrol`."""
    check_interval_s: Annotated[float, Field(gt=0, le=86_400)] = 3600.0
    """How often the agent looks whether two thirds of the certificate's life are over (wall
    time)."""
