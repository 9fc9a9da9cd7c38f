"""How does a store come to hold many of everything, without a day of waiting?

`fill` makes one of each by the services; `multiply` stores copies of those rows, many at once.
"""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model

from headgate.core.ids import new_id
from headgate.model.access import BlockKind, CredentialKind
from headgate.store import models
from headgate.store.models.rows import FeedRow
from headgate.store.services import feed
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.alerts import webhooks
from headgate.store.services.catalog import feedback, imports, plans, products
from headgate.store.services.consumers import (
    applications,
    approvals,
    credentials,
    data_access,
    members,
    organizations,
    people,
    sensitive,
    subscriptions,
    teams,
    tokens,
)
from headgate.store.services.consumers.roles import MemberRole, Role
from headgate.store.services.gateway import blocks, gateways, nodes, publishing, releases
from headgate.store.services.gateway import secrets as stored_secrets
from headgate.store.services.oauth import clients
from headgate.web.accounts.verified import verify
from tests.support.store import REPORT, import_api, source

EMAIL, PASSWORD = "admin@example.com", "correct horse 9"
ROWS_PER_STATEMENT = 500
REPORT_LASTS = timedelta(hours=2)  # so long, nobody takes the node for silent

R = TypeVar("R", bound=Model)


def fill(actor: Actor) -> None:
    """One of each: an administrator, who owns acme, and all that its application demo has."""
    import_api(actor)
    imports.import_document(actor, name="pets", source=source(), version="v2")
    publishing.publish(actor, "pets")
    releases.start(actor, "pets@v2", percent=1.0)
    products.create(actor, name="basic", apis=["pets"])
    plans.create(actor, product="basic", name="free", rates=["10/second"], quotas=["1000/month"])
    plans.create(actor, product="basic", name="partner", needs_approval=True)
    organizations.create(actor, name="acme")
    applications.create(actor, name="demo", organization="acme")
    subscriptions.create(actor, application="acme/demo", plan="basic/free")
    approvals.ask(actor, application="acme/demo", plan="basic/partner")
    credentials.issue(actor, application="acme/demo", name="laptop")
    clients.create(actor, application="acme/demo", name="robot")
    verify(people.create(actor, email=EMAIL, password=PASSWORD, role=Role.ADMIN))
    people.create(actor, email="guest@example.com", password=PASSWORD)
    members.put(actor, "acme", EMAIL, MemberRole.OWNER)
    owner = models.Organization.objects.get(name="acme")
    members.invite(actor, owner, email="asked@example.com", role=MemberRole.VIEWER)
    teams.create(actor, "acme", name="payments")
    teams.put_member(actor, "acme", "payments", EMAIL)
    hook = webhooks.create(actor, url="http://127.0.0.1:9/", allow_private=True)
    webhooks.test(actor, hook.webhook.id)
    sensitive.mark(actor, api="pets", owner=EMAIL, why="Names of people")
    wish = {"application": "acme/demo", "api": "pets", "reason": "Letters"}
    wished = data_access.ask(actor, **wish)
    data_access.grant(replace(actor, name=EMAIL), wished.id)  # nobody grants their own request
    data_access.ask(actor, **wish)
    stored_secrets.store(actor, "billing", value="correct horse")
    tokens.create(actor, name="robot", scopes=[Scope.READ])
    blocks.create(
        actor, kind=BlockKind.ADDRESS, subject="203.0.113.7", seconds=900_000, reason="noise"
    )
    feedback.give(
        actor, None, page="/apis/pets", title="Pets", is_helpful=False, text="Which currency?"
    )
    gateways.create(actor, name="staging")
    at = actor.at + REPORT_LASTS
    said = Actor("node", frozenset({Scope.NODE}), at, node="local", gateway="default")
    nodes.report(said, REPORT)


@transaction.atomic
def multiply(numbers: range, *, of_acme: range, apis: range, places: range) -> None:
    """Copies of what `fill` made, one for each number: numbers that were not there before.

    `numbers`: organizations with all that they hold; `of_acme`: what acme and its application
    hold; `apis`: APIs, versions of one and products; `places`: gateways and nodes.
    """
    _consumers(numbers)
    _of_acme(of_acme)
    _control(numbers)
    _programme(apis)
    _places(places)


def copies(row: R, numbers: Sequence[int], **different: Any) -> list[R]:
    """Rows like `row`, one for each number; `different` are functions of the number, by column."""
    columns = [
        one.attname
        for one in row._meta.concrete_fields
        if one is not row._meta.auto_field  # Django's public name for it
    ]
    first = feed.next_sequence(len(numbers)) if isinstance(row, FeedRow) and numbers else 0
    made = []
    for place, number in enumerate(numbers):
        values = {name: getattr(row, name) for name in columns}
        if isinstance(values.get("id"), str):
            values["id"] = new_id(values["id"][:3])
        if isinstance(row, FeedRow):
            values["changed"] = first + place
        values |= {name: value(number) for name, value in different.items()}
        made.append(type(row)(**values))
    return type(row)._default_manager.bulk_create(made, batch_size=ROWS_PER_STATEMENT)  # see above


def _consumers(numbers: range) -> None:
    acme = models.Organization.objects.get(name="acme")
    found = copies(acme, numbers, name=lambda n: f"acme-{n}")
    owner = dict(zip(numbers, found, strict=True))
    demo = models.Application.objects.get(name="demo", organization=acme)
    made = copies(demo, numbers, organization_id=lambda n: owner[n].pk)
    _held(dict(zip(numbers, made, strict=True)))
    guest = models.User.objects.get(email="guest@example.com")
    joined = copies(guest, numbers, email=lambda n: f"guest-{n}@example.com")
    users = dict(zip(numbers, joined, strict=True))
    place = models.Membership.objects.get(organization=acme, user__email=EMAIL)
    own = {"organization_id": lambda n: owner[n].pk, "user_id": lambda n: users[n].pk}
    copies(place, numbers, **own)


def _of_acme(numbers: range) -> None:
    acme = models.Organization.objects.get(name="acme")
    demo = models.Application.objects.get(name="demo", organization=acme)
    made = copies(demo, numbers, name=lambda n: f"demo-{n}")
    _held(dict(zip(numbers, made, strict=True)))
    key, client = _credentials(demo)
    copies(key, numbers, sha256=_sha256, name=lambda n: f"key {n}")
    _clients(client, dict.fromkeys(_up_to(clients.CLIENTS_MAX, numbers), demo))
    guest = models.User.objects.get(email="guest@example.com")
    joined = copies(guest, numbers, email=lambda n: f"member-{n}@example.com")
    users = dict(zip(numbers, joined, strict=True))
    place = models.Membership.objects.get(organization=acme, user__email=EMAIL)
    places = copies(place, numbers, user_id=lambda n: users[n].pk, role=lambda _: MemberRole.VIEWER)
    _in_teams(dict(zip(numbers, places, strict=True)))
    copies(
        models.Invitation.objects.get(email="asked@example.com"),
        _up_to(members.INVITATIONS_OPEN_MAX, numbers),
        email=lambda n: f"asked-{n}@example.com",
    )


def _up_to(most: int, numbers: range) -> range:
    """Those that are allowed of what there may be `most` of, the first one included."""
    return range(numbers.start, min(numbers.stop, most))


def _in_teams(members: dict[int, models.Membership]) -> None:
    team = models.Team.objects.get(name="payments")
    copies(team, [n for n in members if n < teams.TEAMS_MAX], name=lambda n: f"payments-{n}")
    place = models.TeamPlace.objects.get(team=team, membership__user__email=EMAIL)
    copies(place, [*members], membership_id=lambda n: members[n].pk)


def _held(owners: dict[int, models.Application]) -> None:
    """What applications hold: a key, a client, a subscription, requests for a plan and for data."""
    demo = models.Application.objects.get(name="demo", organization__name="acme")
    numbers = list(owners)
    own = {"application_id": lambda n: owners[n].pk}
    key, client = _credentials(demo)
    copies(key, numbers, sha256=_sha256, **own)
    _clients(client, owners)
    copies(models.Subscription.objects.get(application=demo), numbers, **own)
    copies(models.SubscriptionRequest.objects.get(application=demo), numbers, **own)
    granted, asked = models.AccessRequest.objects.filter(application=demo).order_by("pk")
    copies(granted, numbers, **own)
    copies(asked, numbers, **own, changed=lambda _: 0)  # gateways hold grants alone


def _credentials(demo: models.Application) -> tuple[models.Credential, models.Credential]:
    rows = models.Credential.objects.filter(application=demo).order_by("pk")
    key = rows.filter(kind=CredentialKind.KEY).first()
    client = rows.filter(kind=CredentialKind.OAUTH_CLIENT).first()
    assert key is not None
    assert client is not None
    return key, client


def _clients(client: models.Credential, owners: dict[int, models.Application]) -> None:
    numbers = list(owners)
    made = copies(
        client,
        numbers,
        application_id=lambda n: owners[n].pk,
        name=lambda n: f"robot {n}",
        sha256=_sha256,
    )
    rows = dict(zip(numbers, made, strict=True))
    known = models.OAuthClient.objects.get(credential=client)
    copies(known, numbers, credential_id=lambda n: rows[n].pk)
    secret = models.ClientSecret.objects.filter(client=known).first()
    assert secret is not None
    copies(secret, numbers, client_id=lambda n: rows[n].pk, sha256=_sha256)


def _control(numbers: range) -> None:
    entry = models.AuditEntry.objects.filter(action="application.created").first()
    assert entry is not None
    copies(entry, numbers)
    token = models.Token.objects.get(name="robot")
    copies(token, numbers, name=lambda n: f"robot-{n}", sha256=_sha256)
    copies(
        models.Block.objects.get(subject="203.0.113.7"), numbers, subject=lambda n: f"2001:db8::{n}"
    )
    copies(models.Feedback.objects.order_by("pk")[0], numbers, page=lambda n: f"/apis/pets-{n}")
    copies(models.StoredSecret.objects.get(name="billing"), numbers, name=lambda n: f"billing-{n}")
    hook = models.Webhook.objects.order_by("pk")[0]
    hooks = dict(zip(numbers, copies(hook, numbers), strict=True))
    delivery = models.Delivery.objects.order_by("pk")[0]
    copies(delivery, numbers, webhook_id=lambda n: hooks[n].pk)
    events = dict(zip(numbers, copies(delivery.event, numbers), strict=True))
    copies(delivery, numbers, event_id=lambda n: events[n].pk)


def _programme(numbers: range) -> None:
    pets = models.API.objects.get(name="pets")
    apis = dict(zip(numbers, copies(pets, numbers, name=lambda n: f"pets-{n}"), strict=True))
    first, further = models.APIVersion.objects.filter(api=pets).order_by("pk")[:2]
    copies(models.SensitiveMark.objects.get(api=pets), numbers, api_id=lambda n: apis[n].pk)
    _versions(first, numbers, api_id=lambda n: apis[n].pk, base_path=lambda n: f"/pets-{n}")
    _versions(further, numbers, name=lambda n: f"v2.{n}")
    candidate = models.Release.objects.order_by("pk")[0]
    copies(candidate, numbers, removed_at=lambda _: candidate.created_at)
    basic = models.Product.objects.get(name="basic")
    made = copies(basic, numbers, name=lambda n: f"basic-{n}")
    bundles = dict(zip(numbers, made, strict=True))
    link = models.Product.apis.through
    link.objects.bulk_create(link(product_id=bundles[n].pk, api_id=apis[n].pk) for n in numbers)
    free = models.Plan.objects.get(name="free", product=basic)
    copies(free, numbers, product_id=lambda n: bundles[n].pk)
    further = _up_to(plans.PLANS_MAX - 1, numbers)  # two are there already
    copies(free, further, name=lambda n: f"free-{n}")


def _versions(version: models.APIVersion, numbers: range, **different: Any) -> None:
    """Copies of a version with document and operations, live wherever the version is."""
    rows = dict(zip(numbers, copies(version, numbers, **different), strict=True))
    own = {"version_id": lambda n: rows[n].pk}
    copies(models.Document.objects.get(version=version), numbers, **own)
    entry = models.ChangelogEntry.objects.filter(version=version).first()
    if entry is not None:
        copies(entry, numbers, **own)
    for operation in models.Operation.objects.filter(version=version):
        copies(operation, numbers, **own)
    compiled = models.APIRevision.objects.filter(version=version).order_by("-pk")[0]
    bodies = dict(zip(numbers, copies(compiled, numbers, **own), strict=True))
    for gateway in models.Gateway.objects.filter(revision__gt=0):
        live = models.Revision.objects.get(gateway=gateway, number=gateway.revision)
        live.apis |= {str(rows[n].pk): bodies[n].pk for n in numbers}
        live.save()


def _places(numbers: range) -> None:
    default = models.Gateway.objects.get(name="default")
    made = copies(default, numbers, name=lambda n: f"default-{n}")
    served = dict(zip(numbers, made, strict=True))
    live = models.Revision.objects.get(gateway=default, number=default.revision)
    copies(live, numbers, gateway_id=lambda n: served[n].pk)
    _revisions(live, numbers)
    local = models.Node.objects.get(name="local")
    machines = copies(local, numbers, name=lambda n: f"local{n}", gateway_id=lambda n: served[n].pk)
    nodes_of = dict(zip(numbers, machines, strict=True))
    state = models.NodeState.objects.get(node=local)
    copies(
        state,
        numbers,
        node_id=lambda n: nodes_of[n].pk,
        report=lambda n: state.report | {"node": nodes_of[n].name},
    )


def _revisions(live: models.Revision, numbers: range) -> None:
    """Revisions of which each has another form of one API than the one before."""
    row, compiled = min(live.apis.items())
    now = models.APIRevision.objects.get(pk=compiled)
    forms = [now, *copies(now, numbers[:1], sha256=_sha256)]
    copies(
        live,
        numbers,
        number=lambda n: -n,
        apis=lambda n: live.apis | {row: forms[n % 2].pk},
    )


def _sha256(_: int) -> str:
    return secrets.token_hex(32)
