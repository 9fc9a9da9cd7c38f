"""How do tests fill the store? The instant they share, a document, and a few rows."""

from datetime import UTC, datetime

from django.db import connection

from headgate.catalog.document import DocumentSource
from headgate.model.node import EnvoyState, NodeReport
from headgate.model.snapshot import Upstream, UpstreamHost
from headgate.store.services.actor import Actor
from headgate.store.services.catalog import imports, plans, products
from headgate.store.services.catalog.imports import Imported
from headgate.store.services.consumers import applications, credentials, subscriptions
from headgate.store.services.consumers.credentials import Issued

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
UPSTREAM = Upstream(hosts=(UpstreamHost("127.0.0.1", 9000),))
REPORT = NodeReport(
    node="local",
    reported_at=AT,
    agent_version="0.1.0",
    envoy_version="1.40.0",
    envoy_state=EnvoyState.SERVING,
    envoy_restarts=0,
    revision_seen=0,
    revision_live=0,
    revision_error="",
    access_generation="g",
    access_sequence=0,
    spool_segments=0,
    spool_bytes=0,
    spool_oldest_at=None,
    log_write_failures=0,
    table_dropped=0,
    clock_steps=0,
)
DOCUMENT = """\
openapi: 3.0.3
info: {title: Pets, version: 1.0.0}
paths:
  /pets:
    get:
      operationId: listPets
      responses: {"200": {description: All pets}}
    post:
      operationId: addPet
      responses: {"201": {description: Added}}
  /pets/{id}:
    get:
      operationId: getPet
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {"200": {description: One pet}}
"""


def source(text: str = DOCUMENT) -> DocumentSource:
    """A document of one file."""
    return DocumentSource({"openapi.yaml": text}, "openapi.yaml")


def import_api(actor: Actor, name: str = "pets", base_path: str | None = None) -> Imported:
    """An API with three operations."""
    return imports.import_document(
        actor,
        name=name,
        source=source(),
        upstream=UPSTREAM,
        base_path=f"/{name}" if base_path is None else base_path,
    )


def subscribed_key(actor: Actor, *, api: str = "pets") -> Issued:
    """A key of acme/demo, which is subscribed to basic/free, which opens an API."""
    import_api(actor, api)
    products.create(actor, name="basic", apis=[api])
    plans.create(actor, product="basic", name="free", rates=["10/second"], quotas=["1000/month"])
    applications.create(actor, name="demo", organization="acme", create_organization=True)
    subscriptions.create(actor, application="acme/demo", plan="basic/free")
    return credentials.issue(actor, application="acme/demo", name="laptop")


def everything_stored() -> str:
    """Every value of every table, as text."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            found += [str(row) for row in cursor.fetchall()]
    return "\n".join(found)
