"""The file that an administrator hands to the technician: everything needed to enrol one edge."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from plant.settings import StrictModel, load_settings


class Invitation(StrictModel):
    """Good for one edge, once, for a time."""

    edge: Annotated[str, Field(pattern=r"^[^/\s]+/[^/\s]+/[^/\s]+$")]
    """Which edge: enterprise/site/edge."""
    url: str
    """Address of the platform's API."""
    token: SecretStr
    """The one-time token."""
    authority: str
    """Certificate (PEM) of the authority that signed those of the platform's servers."""

    @classmethod
    def read(cls, file: Path) -> "Invitation":
        """Read an invitation; raises ConfigurationError for a file that is none."""
        return load_settings(cls, file)
