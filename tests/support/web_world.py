"""A small company on the control plane: an API, a product, an organization and what it holds."""

from dataclasses import dataclass
from typing import Any

import httpx2

DOCUMENT = """
openapi: 3.1.0
info: {title: Pets, version: "1"}
paths:
  /pets:
    get: {operationId: listPets, responses: {"200": {description: ok}}}
    post: {operationId: addPet, responses: {"201": {description: made}}}
  /pets/{id}:
    get:
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {"200": {description: ok}}
"""
UPSTREAM = "http://127.0.0.1:9000"


@dataclass(frozen=True, slots=True)
class World:
    """The names of what was made; all begin with `prefix`."""

    prefix: str
    api: str
    product: str
    plan: str
    organization: str
    application: str
    subscription: str
    key: str
    key_text: str
    client: str


def document(text: str = DOCUMENT) -> dict[str, Any]:
    """The `document` member of an import."""
    return {"files": {"openapi.yaml": text}, "entry": "openapi.yaml"}


def api_body(name: str, **more: Any) -> dict[str, Any]:
    """The body that imports the pets under `name`."""
    body = {"name": name, "base_path": f"/{name}", "upstream": UPSTREAM, "document": document()}
    return body | more


def make_world(api: httpx2.Client, prefix: str) -> World:
    """All that a caller needs: API, product, plan, application, subscription, key, client."""
    organization, path = f"{prefix}-org", f"{prefix}-org/app"
    _post(api, "/apis", api_body(f"{prefix}-api"))
    _post(api, "/products", {"name": f"{prefix}-product", "apis": [f"{prefix}-api"]})
    plan = {"name": "free", "rates": ["10/second"], "quotas": ["1000/month"]}
    _post(api, f"/products/{prefix}-product/plans", plan)
    _post(api, "/organizations", {"name": organization})
    _post(api, "/applications", {"name": "app", "organization": organization})
    body = {"application": path, "plan": f"{prefix}-product/free"}
    subscription = _post(api, "/subscriptions", body)
    key = _post(api, "/keys", {"application": path})
    client = _post(api, f"/applications/{path}/clients", {"name": f"{prefix}-client"})
    return World(
        prefix=prefix,
        api=f"{prefix}-api",
        product=f"{prefix}-product",
        plan=f"{prefix}-product/free",
        organization=organization,
        application=path,
        subscription=subscription["id"],
        key=key["id"],
        key_text=key["key"],
        client=client["id"],
    )


def make_token(api: httpx2.Client, **body: Any) -> str:
    """The text of a new token."""
    return str(_post(api, "/tokens", {"name": "test", "scopes": ["admin"]} | body)["token"])


def _post(api: httpx2.Client, path: str, body: dict[str, Any]) -> Any:
    answer = api.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()
