"""A node learns of every access row exactly once for each change, in the order of the changes."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headgate.core.problems import Problem, ProblemType
from headgate.model.access import AccessDelta, BlockKind, RowState
from headgate.store.services.actor import Actor
from headgate.store.services.catalog import apis, plans, products
from headgate.store.services.consumers import (
    applications,
    credentials,
    organizations,
    subscriptions,
)
from headgate.store.services.gateway import access_feed, blocks
from tests.support.store import import_api, subscribed_key

TABLES = ("applications", "plans", "apis", "subscriptions", "credentials", "blocks")


def everything(node: Actor, limit: int = 10_000) -> list[AccessDelta]:
    """All pages from the beginning."""
    pages: list[AccessDelta] = []
    generation, after = "", 0
    while True:
        page = access_feed.delta(node, generation=generation, after=after, limit=limit)
        if page is None:
            return pages
        pages.append(page)
        generation, after = page.generation, page.upto
        if page.is_complete:
            return pages


def rows(delta: AccessDelta) -> list[tuple[int, str, int]]:
    """(sequence, table, row) of every row."""
    return sorted(
        (row.changed, table, row.row) for table in TABLES for row in getattr(delta, table)
    )


def test_a_new_node_gets_everything_and_then_nothing(admin: Actor, node: Actor) -> None:
    issued = subscribed_key(admin)
    (delta,) = everything(node)
    assert delta.is_complete
    (credential,) = delta.credentials
    assert credential.sha256 == issued.secret.sha256
    assert credential.application == delta.applications[0].row
    (subscription,) = delta.subscriptions
    assert subscription.plan == delta.plans[0].row
    assert delta.apis[0].products == (subscription.product,)
    assert [str(limit) for limit in delta.plans[0].limits] == ["10/second", "1000/month"]
    assert access_feed.delta(node, generation=delta.generation, after=delta.upto) is None


def test_an_empty_store_still_tells_a_new_node_its_generation(node: Actor) -> None:
    delta = access_feed.delta(node, generation="", after=5)
    assert delta is not None
    assert (delta.after, delta.upto, delta.is_complete) == (0, 0, True)
    assert delta.generation == access_feed.generation()


def test_another_generation_starts_from_the_beginning(admin: Actor, node: Actor) -> None:
    subscribed_key(admin)
    delta = access_feed.delta(node, generation="of another store", after=10**9)
    assert delta is not None
    assert delta.after == 0
    assert delta.credentials


def test_every_change_comes_with_the_next_delta(admin: Actor, node: Actor) -> None:
    issued = subscribed_key(admin)
    (first,) = everything(node)
    position = first.upto

    def news() -> AccessDelta:
        nonlocal position
        delta = access_feed.delta(node, generation=first.generation, after=position)
        assert delta is not None
        position = delta.upto
        return delta

    credentials.revoke(admin, issued.credential.id)
    assert news().credentials[0].state is RowState.REVOKED
    plans.update(admin, "basic/free", rates=["20/second"])
    assert str(news().plans[0].limits[0]) == "20/second"
    applications.update(admin, "demo", is_suspended=True)
    assert news().applications[0].state is RowState.SUSPENDED
    organizations.update(admin, "acme", is_suspended=True)
    assert news().applications[0].state is RowState.SUSPENDED
    apis.update(admin, "pets", is_open=True)
    assert news().apis[0].is_open
    products.update(admin, "basic", apis=[])
    assert news().apis[0].products == ()
    subscriptions.cancel(admin, subscriptions.page(admin).items[0].id)
    assert news().subscriptions[0].state is RowState.REMOVED
    apis.delete(admin, "pets")
    assert news().apis[0].state is RowState.REMOVED
    block = blocks.create(admin, kind=BlockKind.ADDRESS, subject="192.0.2.1", seconds=60, reason="")
    assert news().blocks[0].subject == "192.0.2.1"
    blocks.lift(admin, block.id)
    assert news().blocks[0].state is RowState.REMOVED
    assert access_feed.delta(node, generation=first.generation, after=position) is None


def test_what_does_not_concern_the_gateway_makes_no_row(admin: Actor, node: Actor) -> None:
    subscribed_key(admin)
    (delta,) = everything(node)
    apis.update(admin, "pets", title="Animals")
    products.update(admin, "basic", title="Basic")
    organizations.update(admin, "acme", title="Acme")
    assert access_feed.delta(node, generation=delta.generation, after=delta.upto) is None


@given(limit=st.integers(1, 12))
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12, deadline=None
)
def test_pages_of_any_size_hold_every_row_once_in_order(
    admin: Actor, node: Actor, limit: int
) -> None:
    if not applications.page(admin).items:
        subscribed_key(admin)
        for number in range(8):
            credentials.issue(admin, application="demo", name=f"{number}")
        import_api(admin, "dogs")
        products.update(admin, "basic", apis=["dogs"])
        organizations.update(admin, "acme", is_suspended=True)
    (whole,) = everything(node)
    pages = everything(node, limit)
    assert [row for page in pages for row in rows(page)] == rows(whole)
    assert all(len(rows(page)) <= limit for page in pages)
    assert all(page.upto == (rows(page) or [(page.upto,)])[-1][0] for page in pages[:-1])
    assert [page.is_complete for page in pages] == [False] * (len(pages) - 1) + [True]


def test_each_row_has_a_number_of_its_own(admin: Actor, node: Actor) -> None:
    subscribed_key(admin)
    for number in range(5):
        applications.create(admin, name=f"app-{number}", organization="acme")
    organizations.update(admin, "acme", is_suspended=True)
    (delta,) = everything(node)
    numbers = [number for number, _, _ in rows(delta)]
    assert len(numbers) == len(set(numbers))


def test_only_nodes_get_access_rows(admin: Actor) -> None:
    with pytest.raises(Problem) as caught:
        access_feed.delta(admin, generation="", after=0)
    assert caught.value.type is ProblemType.FORBIDDEN
