"""A node that takes every delta ends with the rows of one that starts afresh, whatever is done."""

from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headgate.core.problems import Problem
from headgate.model.access import AccessDelta, BlockKind
from headgate.store.models import Block, Credential, Subscription
from headgate.store.services.actor import Actor
from headgate.store.services.catalog import apis, plans, products
from headgate.store.services.consumers import (
    applications,
    credentials,
    organizations,
    subscriptions,
)
from headgate.store.services.gateway import access_feed, blocks
from tests.support.store import import_api

TABLES = ("applications", "plans", "apis", "subscriptions", "credentials", "blocks")
NAMES = st.sampled_from(["a", "b", "c"])
Replica = dict[tuple[str, int], object]


def take(replica: Replica, delta: AccessDelta) -> None:
    """What the access table does with a delta."""
    for table in TABLES:
        for row in getattr(delta, table):
            replica[table, row.row] = row


def read(node: Actor, replica: Replica, generation: str, after: int) -> tuple[str, int]:
    """Take pages of three rows until there are none."""
    while True:
        delta = access_feed.delta(node, generation=generation, after=after, limit=3)
        if delta is None:
            return generation, after
        take(replica, delta)
        generation, after = delta.generation, delta.upto


def key(name: str) -> str:
    found = Credential.objects.filter(application__name=name, revoked_at=None).first()
    return found.id if found else "none"


def subscription(name: str) -> str:
    found = Subscription.objects.filter(application__name=name, removed_at=None).first()
    return found.id if found else "none"


def block(admin: Actor, name: str) -> None:
    subject = {"a": "192.0.2.1", "b": "192.0.2.2", "c": "192.0.2.3"}[name]
    blocks.create(admin, kind=BlockKind.ADDRESS, subject=subject, seconds=60, reason="")


def lift(admin: Actor, _: str) -> None:
    found = Block.objects.filter(removed_at=None).first()
    blocks.lift(admin, found.id if found else "none")


STEPS: dict[str, Callable[[Actor, str], object]] = {
    "application": lambda admin, n: applications.create(
        admin, name=n, organization=f"org-{n}", create_organization=True
    ),
    "suspend": lambda admin, n: applications.update(admin, n, is_suspended=True),
    "suspend all": lambda admin, n: organizations.update(admin, f"org-{n}", is_suspended=True),
    "resume all": lambda admin, n: organizations.update(admin, f"org-{n}", is_suspended=False),
    "delete": applications.delete,
    "issue": lambda admin, n: credentials.issue(admin, application=n),
    "rotate": lambda admin, n: credentials.rotate(admin, key(n), overlap_seconds=60),
    "revoke": lambda admin, n: credentials.revoke(admin, key(n)),
    "import": import_api,
    "open": lambda admin, n: apis.update(admin, n, is_open=True),
    "delete api": apis.delete,
    "product": lambda admin, n: products.create(admin, name=n),
    "fill": lambda admin, n: products.update(admin, n, apis=["a", "b"]),
    "empty": lambda admin, n: products.update(admin, n, apis=[]),
    "delete product": products.delete,
    "plan": lambda admin, n: plans.create(admin, product=n, name="free", rates=["5/second"]),
    "limits": lambda admin, n: plans.update(admin, f"{n}/free", quotas=["7/day"]),
    "subscribe": lambda admin, n: subscriptions.create(admin, application=n, plan=f"{n}/free"),
    "cancel": lambda admin, n: subscriptions.cancel(admin, subscription(n)),
    "block": block,
    "lift": lift,
}
EVENTS = st.one_of(st.just(("read", "")), st.tuples(st.sampled_from(sorted(STEPS)), NAMES))


@given(st.lists(EVENTS, min_size=5, max_size=40))
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None
)
def test_deltas_and_a_fresh_start_end_with_the_same_rows(
    admin: Actor, node: Actor, events: list[tuple[str, str]]
) -> None:
    replica: Replica = {}
    generation, after = read(node, replica, "", 0)
    for name, subject in events:
        if name == "read":
            generation, after = read(node, replica, generation, after)
            continue
        try:
            STEPS[name](admin, subject)
        except Problem:
            continue  # refused, so that nothing may have changed
    read(node, replica, generation, after)
    fresh: Replica = {}
    read(node, fresh, "", 0)
    assert replica == fresh
