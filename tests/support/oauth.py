"""A client of the authorization server, as a program that has read the RFCs speaks to it."""

import base64
import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx2
import jwt

from tests.support.web_process import WebProcess

CREDENTIALS = {"grant_type": "client_credentials"}
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
_addresses = itertools.count(1)


@contextmanager
def program(web: WebProcess) -> Iterator[httpx2.Client]:
    """Somebody without a token of the REST API, at an address of their own (behind a proxy)."""
    number = next(_addresses)
    headers = {"X-Forwarded-For": f"192.0.2.{number % 250 + 1}"}
    with httpx2.Client(base_url=web.url, headers=headers, timeout=60.0, trust_env=False) as client:
        yield client


def make_client(api: httpx2.Client, application: str, **body: Any) -> dict[str, Any]:
    """A new OAuth client; the application is made where it is not there."""
    organization, _, name = application.partition("/")
    made = {"name": name, "organization": organization, "create_organization": True}
    assert api.post("/applications", json=made).status_code in {201, 409}
    answer = api.post(f"/applications/{application}/clients", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def basic(client: dict[str, Any], secret: str | None = None) -> dict[str, str]:
    """Authorization by HTTP Basic, form-encoded inside. Source: RFC 6749 §2.3.1."""
    text = f"{quote(client['id'], safe='')}:{quote(secret or client['client_secret'], safe='')}"
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def token(web: httpx2.Client, client: dict[str, Any], /, **parameters: str) -> dict[str, Any]:
    """A token answer by client credentials."""
    answer = web.post("/oauth/token", data=CREDENTIALS | parameters, headers=basic(client))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def claims(web: httpx2.Client, text: str) -> dict[str, Any]:
    """The claims of a token, checked as another program checks them: by the published keys."""
    known = web.get("/.well-known/oauth-authorization-server").json()
    keys = jwt.PyJWKSet.from_dict(web.get("/oauth/jwks.json").json())
    header = jwt.get_unverified_header(text)
    found: dict[str, Any] = jwt.decode(
        text,
        keys[header["kid"]].key,
        algorithms=["RS256"],
        issuer=known["issuer"],
        audience=f"{known['issuer']}/apis",
    )
    return found


def error(answer: httpx2.Response, name: str, status: int = 400) -> None:
    """An answer is this error of RFC 6749, in its form."""
    assert (answer.status_code, answer.json().get("error")) == (status, name), answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"


def forged(text: str, **changes: Any) -> str:
    """A token with other claims and the signature that it had."""
    header, body, signature = text.split(".")
    found = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    raw = json.dumps(found | changes).encode()
    return f"{header}.{base64.urlsafe_b64encode(raw).rstrip(b'=').decode()}.{signature}"
