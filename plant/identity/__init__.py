"""Who edges and services are: X.509 certificates, requests for them, and revocation lists.

The name in a certificate is that of its holder: an edge's is its path `enterprise/site/edge`, so
that the broker's access list can put it into a topic; a service's has no slash and therefore is
never an edge's. Edges and services have an authority each (see the decision record).
"""

from plant.identity.authority import EDGE_LIFE, Authority
from plant.identity.certificate import (
    Identity,
    Validity,
    certificate_pem,
    holder_of,
    key_hash_of,
    key_pem,
    load_certificate,
    serial_of,
    server_names,
    validity_of,
)
from plant.identity.request import (
    RENEWAL_PURPOSE,
    SigningRequest,
    new_key,
    read_request,
    renewal_signature,
    signature_is_of,
    signing_request,
)

__all__ = [
    "EDGE_LIFE",
    "RENEWAL_PURPOSE",
    "Authority",
    "Identity",
    "SigningRequest",
    "Validity",
    "certificate_pem",
    "holder_of",
    "key_hash_of",
    "key_pem",
    "load_certificate",
    "new_key",
    "read_request",
    "renewal_signature",
    "serial_of",
    "server_names",
    "signature_is_of",
    "signing_request",
    "validity_of",
]
