"""REST: client certificates that speak for an application, by their authority and a name."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from headgate.access.certificates import (
    NAME_CHARACTERS_MAX,
    PEM_CHARACTERS_MAX,
    NameKind,
)
from headgate.store.models import ClientCertificate
from headgate.store.services.oauth import certificates
from headgate.web.api.fields import Input, Output, created
from headgate.web.api.keys import KeyQuery
from headgate.web.api.paging import PageOut, page_out
from headgate.web.api.requests import actor

router = Router()


class CertificateIn(Input):
    """A certificate as an example, of which authority and name are read; or these themselves."""

    certificate: str = Field("", max_length=PEM_CHARACTERS_MAX, description="In PEM form.")
    kind: str = Field(
        "subject",
        pattern="^(uri|dns|subject)$",
        description="The name that counts: `subject`, or the first `uri` or `dns` name.",
    )
    issuer: str = Field(
        "",
        max_length=NAME_CHARACTERS_MAX,
        pattern=r"^[^\x00-\x1f]*$",
        description="The authority's distinguished name (RFC 2253), without a certificate.",
        examples=["CN=Acme Issuing,O=Acme"],
    )
    name: str = Field(
        "",
        max_length=NAME_CHARACTERS_MAX,
        pattern=r"^[^\x00-\x1f]*$",
        description="The name, without a certificate.",
    )


class CertificateOut(Output):
    """A name on certificates and the application that it speaks for."""

    id: str
    application: str
    issuer: str
    kind: str
    name: str
    state: str
    created_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


@router.get("/certificates", response=PageOut[CertificateOut], operation_id="listCertificates")
def list_certificates(request: HttpRequest, query: Query[KeyQuery]) -> object:
    """Names on client certificates, in the order in which they were first trusted."""
    page = certificates.page(
        actor(request), application=query.application, cursor=query.position, limit=query.limit
    )
    return page_out(page, show)


@router.post(
    "/applications/{organization}/{name}/certificates",
    response={201: CertificateOut},
    operation_id="trustCertificate",
)
def trust(
    request: HttpRequest, response: HttpResponse, organization: str, name: str, body: CertificateIn
) -> object:
    """Let certificates of an authority and name speak for the application."""
    named = certificates.named(
        body.certificate, NameKind(body.kind), issuer=body.issuer, name=body.name
    )
    made = certificates.add(actor(request), application=f"{organization}/{name}", name=named)
    return created(response, show(made), "certificates", made.credential.id)


@router.get("/certificates/{id}", response=CertificateOut, operation_id="getCertificate")
def get_certificate(request: HttpRequest, id: str) -> object:  # noqa: A002  # the path's word
    """One of them."""
    return show(certificates.find(actor(request), id))


@router.post("/certificates/{id}/end", response=CertificateOut, operation_id="endCertificate")
def end(request: HttpRequest, id: str) -> object:  # noqa: A002  # the path's word
    """Let certificates of the name speak for the application no longer."""
    return show(certificates.end(actor(request), id))


def show(found: ClientCertificate) -> CertificateOut:
    """As it is answered."""
    credential = found.credential
    return CertificateOut(
        id=credential.id,
        application=credential.application.path,
        issuer=found.issuer,
        kind=found.kind,
        name=found.name,
        state=credential.state.value,
        created_at=credential.created_at,
        revoked_at=credential.revoked_at,
        last_used_at=credential.last_used_at,
    )
