"""REST: what would become of a request, tried at a gateway without consequences."""

import base64
import binascii
import ipaddress
import re
from typing import Annotated

from django.http import HttpRequest
from ninja import Router
from pydantic import AfterValidator, Field

from headgate.core.ids import new_id
from headgate.model import trial as limits
from headgate.model.trial import TrialRequest
from headgate.store.services.gateway.gateways import DEFAULT_GATEWAY
from headgate.store.services.traffic import trials
from headgate.web.api.explanations import StepOut
from headgate.web.api.fields import Input, Output
from headgate.web.api.requests import actor
from headgate.web.api.resource import is_question, is_slow
from headgate.web.trial_desk import desk

router = Router()
_WORD = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"
_TARGET = re.compile(r"/[\x21-\x7e]*")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\uffff]*")


def _target(text: str) -> str:
    if _TARGET.fullmatch(text) is None:
        raise ValueError("it is a path with its query, such as /shop/pets?limit=5, URL-encoded")
    return text


def _value(text: str) -> str:
    if _VALUE.fullmatch(text) is None:
        raise ValueError("it has a character that no header field may hold")
    return text


def _header_name(name: str) -> str:
    if name.lower() in limits.NOT_TRIED:
        raise ValueError(
            f"{name} belongs to a connection and cannot be tried; `client_address` says what"
            " X-Forwarded-For would"
        )
    return name


def _certificate(text: str) -> str:
    if "PRIVATE KEY" in text:
        raise ValueError("it holds a private key: send the certificates alone, and nobody the key")
    return text


def _address(text: str) -> str:
    return str(ipaddress.ip_address(text))


def _body(text: str) -> str:
    try:
        size = len(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        raise ValueError("it is not base64") from error
    if size > limits.BODY_BYTES_MAX:
        raise ValueError(f"it is longer than {limits.BODY_BYTES_MAX} bytes")
    return text


class TrialHeaderIn(Input):
    """One header field of the request."""

    name: Annotated[
        str,
        Field(min_length=1, max_length=256, pattern=_WORD),
        AfterValidator(_header_name),
    ]
    value: Annotated[
        str, Field(max_length=limits.HEADER_CHARACTERS_MAX), AfterValidator(_value)
    ] = Field("", repr=False)


class TrialIn(Input):
    """A request to try. What it carries is passed on in memory: never stored, never logged."""

    method: str = Field("GET", max_length=32, pattern=_WORD)
    target: Annotated[
        str,
        Field(
            max_length=limits.TARGET_CHARACTERS_MAX,
            description="Path and query, as a client would send them.",
        ),
        AfterValidator(_target),
    ]
    headers: list[TrialHeaderIn] = Field([], max_length=limits.HEADERS_MAX)
    body: Annotated[str, Field(description="Base64."), AfterValidator(_body)] = ""
    gateway: str = Field(DEFAULT_GATEWAY, max_length=100)
    client_address: Annotated[
        str,
        Field(description="Whom the gateway takes for the caller."),
        AfterValidator(_address),
    ] = limits.CLIENT_ADDRESS_DEFAULT
    certificate: Annotated[
        str,
        Field(
            max_length=limits.CERTIFICATE_CHARACTERS_MAX,
            description="What the caller shows in the handshake, PEM, with those between it and its"
            " authority; no key.",
        ),
        AfterValidator(_certificate),
    ] = ""


class TrialHeaderOut(Output):
    """One header field of the answer."""

    name: str
    value: str


class TrialAnswerOut(Output):
    """The answer as the caller would see it."""

    status: int | None = Field(..., description="Null where the upstream would say it.")
    headers: list[TrialHeaderOut] = Field(..., description="Those that the gateway would write.")
    body: str = Field(..., description="The gateway's own; empty where the upstream would answer.")


class TrialUpstreamOut(Output):
    """What the upstream would get."""

    method: str
    path: str = Field(..., description="Without the query.")
    header_names: list[str] = Field(..., description="Their values may be secrets.")


class TrialOut(Output):
    """What a gateway found of a request, and why."""

    gateway: str
    node: str
    verdict: str
    summary: str
    next_step: str = Field(..., description="What to do about it; empty when there is nothing.")
    steps: list[StepOut]
    answer: TrialAnswerOut
    upstream_request: TrialUpstreamOut | None = Field(
        ..., description="Null where the gateway itself would answer."
    )


@router.post("/trials", response=TrialOut, operation_id="tryRequest")
@is_question
@is_slow
def try_request(request: HttpRequest, body: TrialIn) -> object:
    """What would become of a request: routed, identified, limited, checked and changed by a node
    as ever, but nothing is used up, counted or recorded, and no upstream is asked.

    It is tried as HTTP/1.1 without TLS. A certificate is checked against the gateway's authorities
    by its signatures and time. For operators.
    """
    trials.check(actor(request), body.gateway)
    asked = TrialRequest(
        id=new_id("req"),
        method=body.method,
        target=body.target,
        headers=tuple((one.name, one.value) for one in body.headers),
        body=body.body,
        client_address=body.client_address,
        certificate=body.certificate,
    )
    found = trials.explained(actor(request), body.gateway, asked, desk.ask(body.gateway, asked))
    return TrialOut(
        gateway=body.gateway,
        node=found.node,
        verdict=found.seen.record.verdict.value,
        summary=found.summary,
        next_step=found.next_step,
        steps=[StepOut.model_validate(step) for step in found.steps],
        answer=TrialAnswerOut(
            status=found.status,
            headers=[TrialHeaderOut(name=name, value=value) for name, value in found.headers],
            body=found.body.decode("utf-8", "replace"),
        ),
        upstream_request=None
        if found.upstream_request is None
        else TrialUpstreamOut.model_validate(found.upstream_request),
    )
