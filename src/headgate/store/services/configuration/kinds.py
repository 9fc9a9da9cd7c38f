"""How is each kind of configuration read, made, changed and taken away? One class per kind."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, Protocol

from headgate.catalog.document import DocumentSource, ImportedDocument
from headgate.core.phrases import phrase
from headgate.model.codec import as_data, from_data
from headgate.model.snapshot import KeySource, PolicyUse, Upstream
from headgate.store.models import (
    APIVersion,
    Application,
    Gateway,
    Organization,
    PolicyAttachment,
    Subscription,
)
from headgate.store.services.actor import Actor
from headgate.store.services.catalog import apis, imports, lifecycle
from headgate.store.services.catalog.upstreams import Resolver
from headgate.store.services.configuration import marks, trust
from headgate.store.services.configuration.clients import Clients
from headgate.store.services.configuration.documents import TRUSTED
from headgate.store.services.configuration.pages import Portals, TextPages
from headgate.store.services.configuration.products import Plans, Products
from headgate.store.services.configuration.publications import Publications
from headgate.store.services.configuration.sources import Fields, source_of
from headgate.store.services.configuration.teams import Teams
from headgate.store.services.configuration.webhooks import Webhooks
from headgate.store.services.consumers import applications, organizations, subscriptions
from headgate.store.services.gateway import edited, gateways, policies, publishing
from headgate.store.services.values import UNSET, invalid


class Kind(Protocol):
    """One kind of thing that configuration describes. `Fields` are as its document has them."""

    name: ClassVar[str]

    def present(self) -> Iterator[tuple[str, Fields]]:
        """Everything of this kind that there is, by name, with all its fields."""

    def create(self, actor: Actor, name: str, fields: Fields) -> None:
        """Make one."""

    def change(self, actor: Actor, name: str, fields: Fields) -> None:
        """Change the given fields of one."""

    def delete(self, actor: Actor, name: str) -> None:
        """Take one away."""


class Gateways:
    """Gateways are made and changed, never pruned: their nodes would be left without one."""

    name: ClassVar[str] = "gateway"

    def present(self) -> Iterator[tuple[str, Fields]]:
        rows = Gateway.objects.filter(removed_at=None).order_by("name")
        for row in rows.prefetch_related("policies"):
            yield (
                row.name,
                {
                    "title": row.title,
                    "policies": [as_data(use) for use in edited.uses(row.policies.all())],
                },
            )

    def create(self, actor: Actor, name: str, fields: Fields) -> None:
        gateways.create(actor, name=name, title=fields.get("title", ""))
        self.change(actor, name, {"policies": fields.get("policies", [])})

    def change(self, actor: Actor, name: str, fields: Fields) -> None:
        if "title" in fields:
            gateways.update(actor, name, title=fields["title"])
        if "policies" in fields:
            policies.set_gateway(actor, name, _uses(fields["policies"]), pointer="/policies")

    def delete(self, actor: Actor, name: str) -> None:
        """Nothing: see the class."""


class APIs:
    """APIs with document, upstream, policies, and the gateways on which they are live.

    `parsed` are documents that were read before the transaction began, by digest.
    """

    name: ClassVar[str] = "api"

    def __init__(
        self,
        parsed: Mapping[str, ImportedDocument],
        resolve: Resolver,
        publications: Publications,
    ) -> None:
        self._parsed = parsed
        self._resolve = resolve
        self._publications = publications

    def present(self) -> Iterator[tuple[str, Fields]]:
        live = gateways.live_versions()
        attached, marked = _operation_policies(), marks.marks()
        rows = APIVersion.objects.filter(removed_at=None).select_related("api", "document")
        for version in rows.prefetch_related("policies").order_by("api__name", "-is_default", "pk"):
            yield (
                version.path,
                {
                    "title": version.api.title,
                    "version": version.name,
                    "base_path": version.base_path,
                    "upstream": as_data(version.upstream),
                    "key_sources": [as_data(source) for source in version.key_sources],
                    "is_open": version.is_open,
                    "document": version.document.original,
                    "policies": [as_data(use) for use in edited.uses(version.policies.all())],
                    "operations": attached.get(version.pk, {}),
                    "gateways": [gateway.name for gateway in live.get(version.pk, ())],
                    "lifecycle": lifecycle.as_configured(version),
                }
                | (_of_all_versions(version, marked) if version.is_default else {}),
            )

    def create(self, actor: Actor, name: str, fields: Fields) -> None:
        api, is_further, version = name.partition("@")
        needed = ("document",) if is_further else ("base_path", "upstream", "document")
        missing = [field for field in needed if fields.get(field) is None]
        if missing:
            raise invalid(
                phrase("A new API needs '{missing}'.", missing=missing[0]), f"/{missing[0]}"
            )
        if is_further and fields.get("version", version) != version:
            raise invalid(
                phrase("The name says the version '{version}'.", version=version), "/version"
            )
        if is_further:
            apis.find(api)
            self._refuse_choice(fields)
        upstream = fields.get("upstream")
        sources = [from_data(KeySource, item) for item in fields.get("key_sources", ())]
        imports.import_document(
            actor,
            name=api,
            source=self._document(fields["document"]),
            upstream=None if upstream is None else from_data(Upstream, upstream),
            base_path=fields.get("base_path"),
            version=version or fields.get("version"),
            title=fields.get("title", ""),
            key_sources=sources or None,
            is_open=fields.get("is_open"),
            uses=_uses(fields["policies"]) if "policies" in fields else None,
            resolve=self._resolve,
        )
        self._attach(actor, name, fields.get("operations", {}))
        if fields.get("version_by"):
            apis.update(actor, name, version_by=fields["version_by"])
        if fields.get("sensitive"):
            marks.change(actor, name, fields["sensitive"])
        if fields.get("lifecycle") is not None:
            lifecycle.restate(actor, name, fields["lifecycle"])
        self._publications.place(name, present=(), wanted=fields.get("gateways", ()))

    def change(self, actor: Actor, name: str, fields: Fields) -> None:
        served = apis.served(name)
        live_on = gateways.published_on(served)
        if "version" in fields:
            raise invalid("The version's name cannot be changed.", "/version")
        if not served.is_default:
            self._refuse_choice(fields)
        if "document" in fields:
            imports.reimport(actor, name, source=self._document(fields["document"]))
        upstream, sources = fields.get("upstream"), fields.get("key_sources")
        apis.update(
            actor,
            name,
            title=fields.get("title"),
            base_path=fields.get("base_path"),
            upstream=None if upstream is None else from_data(Upstream, upstream),
            key_sources=[from_data(KeySource, s) for s in sources] if sources else None,
            is_open=fields.get("is_open"),
            version_by=fields.get("version_by"),
            resolve=self._resolve,
        )
        if "policies" in fields:
            policies.set_api(actor, name, _uses(fields["policies"]), pointer="/policies")
        if "operations" in fields:
            self._attach(actor, name, fields["operations"])
        if "sensitive" in fields:
            marks.change(actor, name, fields["sensitive"])
        if "lifecycle" in fields:
            lifecycle.restate(actor, name, fields["lifecycle"])
        wanted = fields.get("gateways", live_on)
        self._publications.place(name, present=live_on, wanted=wanted)

    def delete(self, actor: Actor, name: str) -> None:
        for gateway in gateways.published_on(apis.served(name)):
            publishing.unpublish(actor, name, gateway=gateway)
        apis.delete(actor, name)

    def _refuse_choice(self, fields: Fields) -> None:
        if "version_by" in fields:
            raise invalid("How versions are chosen is said at the default one.", "/version_by")
        if "sensitive" in fields:
            raise invalid("What is sensitive is said at the default version.", "/sensitive")

    def _document(self, files: Fields) -> DocumentSource | ImportedDocument:
        found = self._parsed.get(imports.digest(files["entry"], files["files"]))
        return found or source_of(files)

    def _attach(self, actor: Actor, name: str, operations: Fields) -> None:
        """Policies of exactly these operations; those of the others are taken away."""
        version = apis.served(name)
        rows = version.operations.filter(removed_at=None)
        unknown = set(operations) - set(rows.filter(id__in=operations).values_list("id", flat=True))
        if unknown:
            raise invalid(
                phrase("The API has no operation {unknown!r}.", unknown=min(unknown)), "/operations"
            )
        attached = rows.filter(policies__isnull=False).values_list("id", flat=True)
        for operation in sorted({*attached, *operations}):
            uses = _uses(operations.get(operation, {}).get("policies", ()))
            place = operation.replace("~", "~0").replace("/", "~1")
            pointer = f"/operations/{place}/policies"
            policies.set_operation(actor, name, operation, uses, pointer=pointer)


class Organizations:
    """Organizations."""

    name: ClassVar[str] = "organization"

    def present(self) -> Iterator[tuple[str, Fields]]:
        for row in Organization.objects.filter(removed_at=None).order_by("name"):
            yield row.name, {"title": row.title, "is_suspended": row.is_suspended}

    def create(self, actor: Actor, name: str, fields: Fields) -> None:
        organizations.create(actor, name=name, title=fields.get("title", ""))
        organizations.update(actor, name, is_suspended=fields.get("is_suspended"))

    def change(self, actor: Actor, name: str, fields: Fields) -> None:
        organizations.update(actor, name, **fields)

    def delete(self, actor: Actor, name: str) -> None:
        organizations.delete(actor, name)


class Applications:
    """Applications, named `organization/application`."""

    name: ClassVar[str] = "application"

    def present(self) -> Iterator[tuple[str, Fields]]:
        rows = Application.objects.filter(removed_at=None).select_related("organization", "team")
        trusted = trust.trusted()
        for row in rows.order_by("organization__name", "name"):
            yield (
                row.path,
                {
                    "description": row.description,
                    "is_suspended": row.is_suspended,
                    "team": row.team.name if row.team else "",
                    **trusted.get(row.pk, trust.nothing()),
                },
            )

    def create(self, actor: Actor, name: str, fields: Fields) -> None:
        organization, _, application = name.partition("/")
        row = applications.create(
            actor,
            name=application,
            organization=organization,
            description=fields.get("description", ""),
            team=fields.get("team") or None,
        )
        applications.update(actor, name, is_suspended=fields.get("is_suspended"))
        trust.change(actor, name, row.pk, fields)

    def change(self, actor: Actor, name: str, fields: Fields) -> None:
        own = {field: fields[field] for field in fields if field not in TRUSTED}
        applications.update(actor, name, **own)
        row = applications.find(actor, name)
        trust.change(actor, name, row.pk, fields)

    def delete(self, actor: Actor, name: str) -> None:
        applications.delete(actor, name)


class Subscriptions:
    """Subscriptions, named `organization/application product`."""

    name: ClassVar[str] = "subscription"

    def present(self) -> Iterator[tuple[str, Fields]]:
        rows = Subscription.objects.filter(removed_at=None).select_related(
            "application__organization", "plan__product", "product"
        )
        for row in rows.order_by("pk"):
            yield (
                f"{row.application.path} {row.product.name}",
                {
                    "plan": row.plan.path,
                    "is_suspended": row.is_suspended,
                    "expires_at": row.expires_at.isoformat() if row.expires_at else None,
                },
            )

    def create(self, actor: Actor, name: str, fields: Fields) -> None:
        application, _, product = name.partition(" ")
        if fields["plan"].partition("/")[0] != product:
            raise invalid(
                phrase("The plan is not one of the product '{product}'.", product=product), "/plan"
            )
        row = subscriptions.create(
            actor,
            application=application,
            plan=fields["plan"],
            expires_at=_instant(fields.get("expires_at")),
        )
        subscriptions.update(actor, row.id, is_suspended=fields.get("is_suspended"))

    def change(self, actor: Actor, name: str, fields: Fields) -> None:
        has_expiry = "expires_at" in fields
        subscriptions.update(
            actor,
            self._find(actor, name).id,
            plan=fields.get("plan"),
            is_suspended=fields.get("is_suspended"),
            expires_at=_instant(fields["expires_at"]) if has_expiry else UNSET,
        )

    def delete(self, actor: Actor, name: str) -> None:
        subscriptions.cancel(actor, self._find(actor, name).id)

    def _find(self, actor: Actor, name: str) -> Subscription:
        application, _, product = name.partition(" ")
        rows = subscriptions.visible(actor).filter(product__name=product)
        return rows.get(application=applications.find(actor, application))


def kinds(
    parsed: Mapping[str, ImportedDocument], resolve: Resolver, publications: Publications
) -> tuple[Kind, ...]:
    """All kinds, each after those that its things name."""
    return (
        Gateways(),
        APIs(parsed, resolve, publications),
        Products(publications),
        Plans(publications),
        Organizations(),
        Teams(),
        Applications(),
        Clients(),
        Subscriptions(),
        Webhooks(),
        Portals(),
        TextPages(),
    )


def _of_all_versions(version: APIVersion, marked: Mapping[int, list[Fields]]) -> Fields:
    """What holds for an API, written down at its default version."""
    api = version.api
    return {"version_by": api.version_by, "sensitive": marked.get(api.pk, [])}


def _operation_policies() -> dict[int, Fields]:
    """What is attached to the operations of each API version, by its row."""
    found: dict[int, Fields] = {}
    rows = PolicyAttachment.objects.filter(operation__removed_at=None, operation__isnull=False)
    for row in rows.select_related("operation").order_by("operation__id", "position", "pk"):
        if row.operation is not None:
            of_version = found.setdefault(row.operation.version_id, {})
            of_operation = of_version.setdefault(row.operation.id, {"policies": []})
            of_operation["policies"].append(as_data(PolicyUse(row.kind, row.settings)))
    return found


def _uses(items: Any) -> list[PolicyUse]:
    return [from_data(PolicyUse, item) for item in items]


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
