"""Settings of the API service."""

import ipaddress
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, IPvAnyNetwork, SecretStr

from api.access.hosts import TrustedHosts
from plant.errors import ConfigurationError
from plant.identity import EDGE_LIFE, server_names
from plant.settings import DatabaseSettings, Port, ServiceSettings, StrictModel, secret_text
from store.access.tenant import login_of

Language = Literal["vi", "en"]


class ServerTlsSettings(StrictModel):
    """Certificates with which the API shows who it is; PEM files."""

    certificate_file: Path
    """Its certificate."""
    key_file: Path | None = None
    """Its key; left out, it is in the certificate's file."""


class EnrolmentSettings(StrictModel):
    """Giving certificates to edges."""

    authority_file: Path
    """Key and certificate (PEM) of the authority that signs for edges."""
    life: Annotated[timedelta, Field(ge=timedelta(minutes=1), le=timedelta(days=825))] = EDGE_LIFE
    """How long a certificate holds; edges renew theirs after two thirds of it."""


class SingleSignOnSettings(StrictModel):
    """A provider of identities (OpenID Connect) whose word on who somebody is is taken."""

    issuer: Annotated[str, Field(pattern=r"^https?://[^\s]+$")]
    """As the provider names itself; its `/.well-known/openid-configuration` says the rest."""
    client_id: str
    """As the provider knows this installation."""
    client_secret: SecretStr | None = None
    """What this installation shows it."""
    client_secret_file: Path | None = None
    """File that holds it, instead."""
    title: str = "OpenID Connect"
    """What the page for signing in calls it."""
    login_claim: str = "preferred_username"
    """The claim that names the login of an account, looked at once per account."""
    networks: tuple[IPvAnyNetwork, ...] = ()
    """Networks of one's own in which the provider is; left out, it is on the internet."""


class AccountsSettings(StrictModel):
    """People and systems that are known one by one; left out, the token lets everybody see all."""

    logins_secret: SecretStr | None = None
    """Secret from which the passwords of the enterprises' logins follow, as for `migrate`."""
    logins_secret_file: Path | None = None
    """File that holds it, instead."""
    single_sign_on: SingleSignOnSettings | None = None
    """A provider of identities by whose word people sign in, beside their passwords."""
    visitors: tuple[str, ...] = ()
    """Logins of a demo that whoever sits at this machine takes without a password, the first to
    begin with; on loopback only."""


class ApiSettings(ServiceSettings):
    """Where the API listens, what it reads and who may ask."""

    database: DatabaseSettings = DatabaseSettings()
    host: str = "127.0.0.1"
    """Address to listen on; other than this machine's own, it needs a token."""
    port: Port = 8000
    """TCP port to listen on."""
    hosts: tuple[Annotated[str, Field(pattern=r"^\.?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$")], ...] = ()
    """Names by which this service is called, beside those of this machine and of its certificate;
    `.example.vn` stands for all that end so. Requests to any other name are refused."""
    proxies: tuple[IPvAnyNetwork, ...] = ()
    """Addresses of proxies in front, whose word is taken for who asks and whether by TLS."""
    default_language: Language = "vi"
    """Language of the pages until somebody chooses another."""
    token: SecretStr | None = None
    """Bearer token that every request but health must carry; from the environment."""
    token_file: Path | None = None
    """File that holds the token, instead of `token`."""
    allow_anonymous: bool = False
    """Say yes to serving other machines without a token (behind a proxy that asks who it is)."""
    writer: DatabaseSettings | None = None
    """Login that writes master data and reasons of stops, where that of `database` only reads."""
    tls: ServerTlsSettings | None = None
    """Serve over TLS with this certificate; without it over plain HTTP."""
    enrolment: EnrolmentSettings | None = None
    """Give certificates to edges; none are given by default."""
    accounts: AccountsSettings | None = None
    """Ask everybody who they are, and show them what they may see; not by default."""
    letter_file: Path | None = None
    """JSON file with what head and foot of the department's documents say; usual words without."""
    stale_after_s: Annotated[float, Field(gt=0)] = 45.0
    """Wall seconds without a heartbeat after which an edge counts as out of touch."""
    lost_after_s: Annotated[float, Field(gt=0)] = 3600.0
    """Wall seconds of silence after which somebody should go and look at an edge."""
    refresh_s: Annotated[float, Field(ge=0.2, le=60)] = 2.0
    """Wall seconds between two looks at the database for a live page."""
    planned_oee: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Planned OEE of places of which nobody gave one by a document `oee-targets`."""

    def trusted_hosts(self) -> TrustedHosts:
        """Return by which names requests may call this service."""
        names = [*self.hosts, self.host]
        if self.tls is not None:
            names += server_names(self.tls.certificate_file)
        return TrustedHosts(names)

    def login_of(self, enterprise: str) -> DatabaseSettings:
        """Return the login that sees the rows of an enterprise alone."""
        return login_of(self.database, self.accounts_secret(), enterprise)

    def accounts_secret(self) -> str:
        """Return the secret from which passwords of logins and the key of second factors follow."""
        block = self.accounts or AccountsSettings()
        return secret_text(block.logins_secret, block.logins_secret_file, "accounts.logins_secret")

    def writing(self) -> DatabaseSettings:
        """Return by which login master data and reasons of stops are written."""
        return self.writer or self.database

    def bearer_token(self) -> str | None:
        """Return the token; raise ConfigurationError when its file is unreadable or empty."""
        if self.token is not None:
            token = self.token.get_secret_value()
        elif self.token_file is not None:
            try:
                token = self.token_file.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as exc:
                reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8 text"
                raise ConfigurationError(
                    f"the token file {self.token_file} cannot be read: {reason}"
                ) from exc
        else:
            return None
        if not token:
            raise ConfigurationError("the API token is empty: write one, or leave the setting out")
        return token

    def knows_writers(self) -> bool:
        """Tell whether whoever writes master data has shown who they are."""
        return self.accounts is not None or self.bearer_token() is not None

    def check_exposure(self) -> None:
        """Raise ConfigurationError if other machines could read without anybody having said so."""
        if self.accounts is not None:
            self.login_of("")
            if self.accounts.visitors and not _is_loopback(self.host):
                raise ConfigurationError(
                    f"host {self.host} lets other machines in as visitors of a demo: leave "
                    "`accounts.visitors` out, or listen on 127.0.0.1"
                )
            return
        if _is_loopback(self.host) or self.allow_anonymous or self.bearer_token() is not None:
            return
        raise ConfigurationError(
            f"host {self.host} lets other machines read everything: set a token "
            "(NHIPMAY_TOKEN or token_file), or say `allow_anonymous: true`"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
