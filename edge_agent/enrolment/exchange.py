"""Asking the platform for a certificate, over HTTPS."""

import http.client
import json
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509

from plant.errors import ConfigurationError, ProtocolError, TransientError
from plant.tls import authority_context

_TIMEOUT_S = 15.0
_LONGEST_ANSWER = 100_000


class Exchange:
    """The platform's desk for certificates. Its own certificate is checked; it follows nobody on.

    All methods raise ConfigurationError when the platform refuses, with its words, TransientError
    when it cannot be reached or is busy, and ProtocolError when it does not answer as agreed.
    """

    def __init__(self, url: str, ca_file: Path) -> None:
        address = urlsplit(url)
        self._host = address.hostname or ""
        self._port = address.port or 443
        self._ca_file = ca_file

    def enrol(self, edge: str, token: str, request: bytes) -> tuple[x509.Certificate, bytes]:
        """Return the first certificate of a key, and the chain (PEM) of its authority."""
        return self._ask(
            "/api/v1/edge-certificates",
            {"edge": edge, "token": token, "request": request.decode()},
        )

    def renew(
        self, certificate: bytes, request: bytes, signature: bytes
    ) -> tuple[x509.Certificate, bytes]:
        """Return the certificate of a new key, asked for by the holder of an old one."""
        return self._ask(
            "/api/v1/edge-certificates/renewal",
            {
                "certificate": certificate.decode(),
                "request": request.decode(),
                "signature": signature.hex(),
            },
        )

    def _ask(self, path: str, content: dict[str, str]) -> tuple[x509.Certificate, bytes]:
        status, answer = self._post(path, json.dumps(content).encode())
        if status >= 500 or status == http.client.TOO_MANY_REQUESTS:
            raise TransientError(f"{self._where()} cannot answer now: {_detail(answer, status)}")
        if status != http.client.OK:
            raise ConfigurationError(f"{self._where()} refuses: {_detail(answer, status)}")
        try:
            chain = answer["authority"].encode()
            x509.load_pem_x509_certificate(chain)
            return x509.load_pem_x509_certificate(answer["certificate"].encode()), chain
        except (KeyError, AttributeError, ValueError) as exc:
            raise ProtocolError(f"{self._where()} does not answer with a certificate") from exc

    def _post(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        context = authority_context(self._ca_file)
        connection = http.client.HTTPSConnection(
            self._host, self._port, timeout=_TIMEOUT_S, context=context
        )
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = json.loads(response.read(_LONGEST_ANSWER))
        except ssl.SSLCertVerificationError as exc:
            raise ConfigurationError(
                f"{self._where()} shows a certificate that {self._ca_file} does not vouch for "
                f"({exc.verify_message}): is it the right address, and the right file?"
            ) from exc
        except (OSError, http.client.HTTPException) as exc:
            raise TransientError(f"{self._where()} cannot be reached: {exc}") from exc
        except ValueError as exc:
            raise ProtocolError(f"{self._where()} does not answer in JSON") from exc
        finally:
            connection.close()
        if not isinstance(answer, dict):
            raise ProtocolError(f"{self._where()} does not answer as agreed")
        return response.status, answer

    def _where(self) -> str:
        return f"the platform at {self._host}:{self._port}"


def _detail(answer: dict[str, Any], status: int) -> str:
    return str(answer.get("detail", f"status {status}"))
