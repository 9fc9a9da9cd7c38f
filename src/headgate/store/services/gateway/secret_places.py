"""Where do settings name a secret, as they are edited? Live revisions are `secrets.used_by`."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from headgate.gateway.secrets import BEGIN
from headgate.store.models import APIVersion, PolicyAttachment
from headgate.store.services.actor import Actor, Scope


@dataclass(frozen=True, slots=True)
class NamedAt:
    """One place: `gateway`, `api`, `operation`, `product` or `plan`, its name, and of it what.

    `what` is the kind of a policy, or `upstream`.
    """

    place: str
    name: str
    what: str


def places(actor: Actor, secret: str) -> list[NamedAt]:
    """Every place that names a secret now; it need not be published."""
    actor.require_operator(Scope.READ, "secret")
    return sorted(_found(f"{BEGIN}{secret}}}"), key=lambda one: (one.place, one.name, one.what))


def _found(reference: str) -> Iterator[NamedAt]:
    uses = PolicyAttachment.objects.select_related(
        "gateway", "version__api", "operation__version__api", "product", "plan__product"
    )
    for use in uses.iterator():
        if reference in json.dumps(use.settings):
            place, name, is_there = _place(use)
            if is_there:
                yield NamedAt(place, name, use.kind)
    versions = APIVersion.objects.filter(removed_at=None).select_related("api")
    for version in versions.iterator():
        if reference in json.dumps(version.upstream_data):
            yield NamedAt("api", version.path, "upstream")


def _place(use: PolicyAttachment) -> tuple[str, str, bool]:
    """What a policy is attached to, its name, and whether it is still there."""
    if use.gateway is not None:
        return "gateway", use.gateway.name, use.gateway.removed_at is None
    if use.version is not None:
        return "api", use.version.path, use.version.removed_at is None
    if use.product is not None:
        return "product", use.product.name, use.product.removed_at is None
    if use.plan is not None:
        return "plan", use.plan.path, use.plan.removed_at is None
    operation = use.operation
    if operation is None:  # the store holds that there is one of them
        return "", "", False
    path = f"{operation.version.path}/{operation.id}"
    return "operation", path, operation.removed_at is None
