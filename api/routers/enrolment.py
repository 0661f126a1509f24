"""Certificates of edges. No bearer token is asked for: who comes here proves who they are."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from api.access.declaration import asks_for
from api.access.role import Right
from api.delivery.enrolment import Issued
from api.delivery.wire import CertificateOut

router = APIRouter(prefix="/api/v1", tags=["enrolment"])

PemText = Annotated[str, Field(min_length=1, max_length=10_000)]


class EnrolmentIn(BaseModel):
    """A one-time token, and what it is to be exchanged for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    edge: Annotated[str, Field(max_length=64)] = Field(description="enterprise/site/edge")
    token: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        description="The one-time token of the invitation."
    )
    request: PemText = Field(description="PKCS #10, PEM; its subject is CN=<edge>, its key P-256.")


class RenewalIn(BaseModel):
    """An old certificate, and a request that its key has signed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    certificate: PemText = Field(description="The present certificate, PEM.")
    request: PemText = Field(description="PKCS #10, PEM, for a new key of the same edge.")
    signature: Annotated[str, Field(pattern=r"^([0-9a-f]{2}){8,200}$")] = Field(
        description="ECDSA with SHA-256 by the present key, in hexadecimal digits, over the line "
        "`nhipmay certificate renewal 1` and the request."
    )


@router.post("/edge-certificates")
@asks_for(Right.OPEN)
async def enrol_edge(request: Request, given: EnrolmentIn) -> CertificateOut:
    """Exchange a one-time token for an edge's first certificate."""
    desk = request.app.state.enrolment_desk()
    issued: Issued = await run_in_threadpool(
        desk.enrol, given.edge, given.token, given.request, _who(request)
    )
    return CertificateOut(certificate=issued.certificate, authority=issued.authority)


@router.post("/edge-certificates/renewal")
@asks_for(Right.OPEN)
async def renew_edge_certificate(request: Request, given: RenewalIn) -> CertificateOut:
    """Give the next certificate to the holder of one that is still good."""
    desk = request.app.state.enrolment_desk()
    issued: Issued = await run_in_threadpool(
        desk.renew,
        given.certificate,
        given.request,
        bytes.fromhex(given.signature),
        _who(request),
    )
    return CertificateOut(certificate=issued.certificate, authority=issued.authority)


def _who(request: Request) -> str:
    return request.client.host if request.client else ""
