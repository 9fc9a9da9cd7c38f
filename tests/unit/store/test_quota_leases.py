"""Nodes that share a quota never let more pass, all together, and as good as all of it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headgate.core.problems import Problem, ProblemType
from headgate.model.leases import LeaseRequest, Place, Want
from headgate.model.limits import Limit, LimitKind, Window
from headgate.store.models import QuotaHolder, QuotaLease, Subscription
from headgate.store.services.actor import Actor
from headgate.store.services.catalog import plans, products
from headgate.store.services.consumers import applications, subscriptions
from headgate.store.services.gateway import gateways, nodes, quota_leases
from headgate.store.services.housekeeping import tidy
from tests.support.sharing import NEXT_MONTH, SharingNode
from tests.support.store import AT, import_api

_numbers = count(1)


class Shared:
    """One gateway and one subscription with a quota per month, from a day on."""

    def __init__(self, admin: Actor, folder: Path, amount: int, day: int = 1) -> None:
        self.admin, self.folder = admin, folder
        self.quota = Limit(LimitKind.QUOTA, amount, Window.MONTH, anchor_day=day)
        name = f"s{next(_numbers)}"
        self.gateway = gateways.create(admin, name=name).name
        import_api(admin, name)
        products.create(admin, name=name, apis=[name])
        plans.create(admin, product=name, name="p", quotas=[str(self.quota)])
        applications.create(admin, name="a", organization=name, create_organization=True)
        made = subscriptions.create(admin, application=f"{name}/a", plan=f"{name}/p")
        self.row = Subscription.objects.get(id=made.id).pk
        self.nodes: list[SharingNode] = []

    def join(self) -> SharingNode:
        """Another node of the gateway, with a table of its own."""
        name = f"n{next(_numbers)}"
        nodes.register(self.admin, name=name, gateway=self.gateway)
        node = SharingNode(name, self.gateway, self.folder, self.row, self.quota)
        self.nodes.append(node)
        return node

    @property
    def passed(self) -> int:
        """How many calls all nodes let pass in the present window."""
        return sum(node.count for node in self.nodes)

    def next_month(self) -> None:
        """A window begins that every node of now was there for."""
        for node in self.nodes:
            node.clock.at += NEXT_MONTH

    def settle(self, steps: int = 40) -> None:
        """Everybody speaks to the control plane, several times."""
        for _ in range(steps):
            for node in self.nodes:
                node.step()

    def close(self) -> None:
        for node in self.nodes:
            node.close()


Share = Callable[..., Shared]


@pytest.fixture
def share(admin: Actor, tmp_path: Path) -> Iterator[Share]:
    made: list[Shared] = []

    def build(amount: int, day: int = 1) -> Shared:
        made.append(Shared(admin, tmp_path, amount, day))
        return made[-1]

    yield build
    for shared in made:
        shared.close()


def test_alone_a_node_has_the_whole_quota_and_before_it_is_told_nothing(share: Share) -> None:
    node = share(100).join()
    assert node.call(5) == 0
    node.step()
    assert node.call(200) == 100
    assert not QuotaLease.objects.exists()


@pytest.mark.parametrize("months", [0, 1])
def test_two_nodes_let_the_whole_quota_pass_and_no_call_more(share: Share, months: int) -> None:
    shared = share(1000)
    first, second = shared.join(), shared.join()
    shared.settle(4)
    for _ in range(months):
        shared.next_month()
    for _ in range(100):  # more calls than the quota has
        first.call(13)
        second.call(3)
        shared.settle(1)
    assert shared.passed == 1000
    shared.settle()
    assert first.call() == second.call() == 0


@pytest.mark.parametrize(("months", "day"), [(0, 28), (1, 15), (1, 2)])
def test_a_month_from_another_day_is_shared_as_exactly(share: Share, months: int, day: int) -> None:
    shared = share(300, day)
    first, second = shared.join(), shared.join()
    shared.settle(4)
    for _ in range(months):
        shared.next_month()
    for _ in range(30):
        first.call(11)
        second.call(3)
        shared.settle(1)
    assert shared.passed == 300


def test_dear_calls_share_all_but_what_pays_for_none(share: Share) -> None:
    shared = share(1000)
    first, second = shared.join(), shared.join()
    shared.settle(4)
    shared.next_month()
    for node in (first, second):
        node.cost = 70  # more than a slice of a sixteenth
        node.table._file.set_header("units_max", 70)
    for _ in range(40):
        first.call(2)
        second.call(1)
        shared.settle(2)
    assert shared.passed == 980
    for node in (first, second):
        node.cost = 1
    for _ in range(20):
        first.call(5)
        second.call(5)
        shared.settle(2)
    assert shared.passed == 1000


def test_what_an_idle_node_holds_is_recalled_for_a_busy_one(share: Share) -> None:
    shared = share(1000)
    busy, idle = shared.join(), shared.join()
    shared.settle(4)
    shared.next_month()
    for _ in range(60):
        busy.call(20)
        shared.settle(1)
    assert (busy.count, idle.count) == (1000, 0)


def test_a_node_that_joins_gets_nothing_before_the_first_has_made_room(share: Share) -> None:
    shared = share(1000)
    first = shared.join()
    first.step()
    assert first.call(900) == 900
    second = shared.join()
    second.step()
    second.step()
    assert second.call(10) == 0
    shared.settle()
    for _ in range(100):
        second.call(2)
        shared.settle(1)
    assert (first.count, second.count) == (900, 100)


def test_a_node_that_is_cut_off_spends_what_it_holds_and_then_refuses(share: Share) -> None:
    shared = share(1000)
    first, second = shared.join(), shared.join()
    shared.settle(4)
    shared.next_month()
    assert second.call(1000) == 250  # a quarter: half of the quota, divided by two
    for _ in range(60):
        first.call(20)
        first.step()
    assert first.count == 750
    shared.next_month()
    assert second.call(1000) == 250  # its divided part, at the first call of the window


def test_a_node_that_was_deleted_keeps_its_part_until_the_window_is_over(share: Share) -> None:
    shared = share(1000)
    first, second = shared.join(), shared.join()
    shared.settle(4)
    shared.next_month()
    second.call(100)
    nodes.delete(shared.admin.later(first.clock.at), second.actor.node or "")
    shared.nodes.remove(second)
    for _ in range(60):
        first.call(20)
        first.step()
    assert first.count == 750
    first.clock.at += NEXT_MONTH
    for _ in range(60):
        first.call(20)
        first.step()
    assert first.count == 1000
    second.close()


def test_a_table_that_was_lost_counts_as_spent(share: Share) -> None:
    shared = share(1000)
    first, second = shared.join(), shared.join()
    shared.settle(4)
    shared.next_month()
    second.call(250)
    shared.nodes.remove(second)
    (shared.folder / f"{second.actor.node}.tbl").unlink()
    second.close()
    again = SharingNode(
        second.actor.node or "", shared.gateway, shared.folder, shared.row, shared.quota
    )
    again.clock.at = first.clock.at
    shared.nodes.append(again)
    for _ in range(60):
        again.call(20)
        first.call(20)
        shared.settle(1)
    assert shared.passed == 750
    assert QuotaHolder.objects.filter(ended_at=None).count() == 2


def test_an_agent_that_starts_anew_goes_on_where_it_was(share: Share) -> None:
    shared = share(1000)
    first, second = shared.join(), shared.join()
    shared.settle(4)
    for _ in range(100):
        first.call(20)
        second.call(20)
        first.is_told = second.is_told = False
        shared.settle(1)
    assert shared.passed == 1000


Action = tuple[str, int, int]
ACTIONS = st.lists(
    st.tuples(st.sampled_from(["call", "step", "lose", "replay", "join", "restart", "month"]),
              st.integers(0, 2), st.integers(0, 60)),
    min_size=20, max_size=80,
)  # fmt: skip


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(1, 150), ACTIONS)
def test_whatever_is_lost_late_or_doubled_no_more_than_the_quota_passes(
    share: Share, amount: int, actions: list[Action]
) -> None:
    shared = share(amount)
    shared.join()
    for what, who, number in actions:
        node = shared.nodes[who % len(shared.nodes)]
        match what:
            case "call":
                node.call(number)
            case "step":
                node.step()
            case "lose":
                node.step(is_lost=True)
            case "replay":
                node.replay(number)
            case "restart":
                node.is_told = False
            case "join" if len(shared.nodes) < 3:
                shared.join().clock.at = shared.nodes[0].clock.at
            case "month":
                shared.next_month()
        assert shared.passed <= amount
    for _ in range(60):
        if shared.passed == amount:
            break
        for node in shared.nodes:
            node.call(10)
        shared.settle(1)
    assert shared.passed == amount
    shared.close()
    shared.nodes.clear()


@pytest.mark.parametrize(
    "place", [Place(0, 0, 0), Place(10**9, 0, 0), Place(1, 7, 0), Place(1, -1, 0), Place(1, 0, 5)]
)
def test_what_the_store_does_not_know_is_not_granted(share: Share, place: Place) -> None:
    shared = share(10)
    node = shared.join()
    node.step()
    place = replace(place, row=shared.row) if place.row == 1 else place
    request = LeaseRequest(node.table.epoch, 0, wants=(Want(place, 0),))
    assert quota_leases.exchange(node.actor, request).leases == ()


def test_only_a_node_speaks_for_its_part(share: Share, admin: Actor) -> None:
    shared = share(10)
    node = shared.join()
    with pytest.raises(Problem) as caught:
        quota_leases.exchange(admin, LeaseRequest("e", 1))
    assert caught.value.type is ProblemType.FORBIDDEN
    stranger = replace(node.actor, node="nobody")
    with pytest.raises(Problem) as caught:
        quota_leases.news(stranger, LeaseRequest("e", 1))
    assert caught.value.type is ProblemType.NOT_FOUND


def test_a_node_that_has_all_is_told_nothing_until_another_joins(share: Share) -> None:
    shared = share(10)
    node = shared.join()
    node.step()
    leases = node.table.leases
    request = LeaseRequest(node.table.epoch, leases.divisor, leases.rate_nodes)
    assert quota_leases.news(node.actor, request) is None
    shared.join().step()
    answer = quota_leases.news(node.actor, request)
    assert answer is not None
    assert (answer.divisor, answer.rate_nodes) == (4, 2)


def test_leases_of_windows_that_are_over_are_forgotten(share: Share) -> None:
    shared = share(100)
    first, _ = shared.join(), shared.join()
    shared.settle(4)
    first.call(100)
    shared.settle(1)
    assert QuotaLease.objects.exists()
    assert not tidy(AT).leases
    assert tidy(AT + 2 * NEXT_MONTH).leases
    assert not QuotaLease.objects.exists()
