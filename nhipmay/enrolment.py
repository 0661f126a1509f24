"""`nhipmay edge enrol`: the technician's part of enrolment."""

from pathlib import Path

from edge_agent import EdgeSettings
from edge_agent.enrolment.enrolment import Enrolment
from edge_agent.enrolment.invitation import Invitation
from plant.errors import ConfigurationError
from plant.settings import load_settings


def enrol(invitation_file: Path, settings_file: Path | None) -> str:
    """Exchange an invitation for a certificate; return what was done, in words.

    The authority of the invitation becomes `broker.tls.ca_file` where there is none yet.
    """
    invitation = Invitation.read(invitation_file)
    settings = load_settings(EdgeSettings, settings_file)
    enrolment = Enrolment(settings, invitation.url)
    if enrolment.holder != invitation.edge:
        raise ConfigurationError(
            f"the invitation is for {invitation.edge}, but the settings are those of "
            f"{enrolment.holder}: correct `edge`, or ask for another invitation"
        )
    _take_authority(enrolment.ca_file, invitation.authority)
    validity = enrolment.enrol(invitation.token.get_secret_value())
    return (
        f"{enrolment.holder} is enrolled: {enrolment.certificate_file} is good until "
        f"{validity.end:%Y-%m-%d} and renewed by the agent from {validity.renew_at:%Y-%m-%d} on; "
        f"{invitation_file} is used up, delete it"
    )


def _take_authority(file: Path, authority: str) -> None:
    try:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(authority, encoding="ascii")
    except OSError as exc:
        raise ConfigurationError(f"{file} cannot be written: {exc.strerror}") from exc
