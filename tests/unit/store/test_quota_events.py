"""A quota that comes to 80 % and to its end is told once for each window, whatever happens."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from headgate.model.limits import Limit, LimitKind, Window
from headgate.model.node import QuotaReading
from headgate.store.models import Event, EventMark, QuotaUse, Subscription
from headgate.store.services import housekeeping
from headgate.store.services.actor import Actor
from headgate.store.services.catalog import plans, products
from headgate.store.services.consumers import applications, subscriptions
from headgate.store.services.gateway import gateways, nodes
from tests.support.sharing import NEXT_MONTH, SharingNode
from tests.support.store import AT, REPORT, import_api

_numbers = count(1)
WARNING, EXHAUSTED = "quota.warning", "quota.exhausted"


class Subscribed:
    """A subscription with one quota, and nodes of one gateway that count it."""

    def __init__(self, admin: Actor, folder: Path, amount: int, is_shadow: bool) -> None:
        self.admin, self.folder = admin, folder
        self.quota = Limit(LimitKind.QUOTA, amount, Window.MONTH, is_shadow=is_shadow)
        name = f"q{next(_numbers)}"
        self.name = name
        self.gateway = gateways.create(admin, name=name).name
        import_api(admin, name)
        products.create(admin, name=name, apis=[name])
        plans.create(admin, product=name, name="p", quotas=[str(self.quota)])
        applications.create(admin, name="a", organization=name, create_organization=True)
        self.id = subscriptions.create(admin, application=f"{name}/a", plan=f"{name}/p").id
        self.row = Subscription.objects.get(id=self.id).pk
        self.nodes: list[SharingNode] = []

    def join(self) -> SharingNode:
        name = f"m{next(_numbers)}"
        nodes.register(self.admin, name=name, gateway=self.gateway)
        self.nodes.append(SharingNode(name, self.gateway, self.folder, self.row, self.quota))
        return self.nodes[-1]

    def settle(self) -> None:
        for _ in range(20):
            for node in self.nodes:
                node.step()

    @property
    def told(self) -> list[str]:
        return list(
            Event.objects.filter(subject=self.id)
            .exclude(kind__startswith="subscription.")
            .order_by("pk")
            .values_list("kind", flat=True)
        )


Subscribe = Callable[..., Subscribed]


@pytest.fixture
def subscribed(admin: Actor, tmp_path: Path) -> Iterator[Subscribe]:
    made: list[Subscribed] = []

    def build(amount: int = 1000, *, is_shadow: bool = False) -> Subscribed:
        made.append(Subscribed(admin, tmp_path, amount, is_shadow))
        return made[-1]

    yield build
    for one in made:
        for node in one.nodes:
            node.close()


def _alone(one: Subscribed) -> SharingNode:
    node = one.join()
    node.step()
    return node


def test_each_threshold_is_told_once_and_nothing_below_it(subscribed: Subscribe) -> None:
    one = subscribed()
    node = _alone(one)
    node.call(799)
    node.report()
    assert one.told == []
    node.call()
    node.report()
    assert one.told == [WARNING]
    node.call(199)
    node.report()
    assert one.told == [WARNING]
    node.call()
    node.report()
    assert one.told == [WARNING, EXHAUSTED]
    node.call(50)
    node.report()
    assert one.told == [WARNING, EXHAUSTED]
    data = Event.objects.get(kind=EXHAUSTED).data
    assert (data["used"], data["amount"], data["quota"]) == (1000, 1000, "1000/month")
    assert (data["gateway"], data["application"]) == (one.gateway, f"{one.name}/a")
    assert data["window_starts_at"] == "2026-11-01T00:00:00+00:00"
    assert data["window_ends_at"] == "2026-12-01T00:00:00+00:00"
    assert Event.objects.get(kind=EXHAUSTED).organization.name == one.name


def test_a_report_that_is_lost_or_comes_twice_changes_nothing(subscribed: Subscribe) -> None:
    one = subscribed()
    node = _alone(one)
    node.call(1000)
    assert node.report(is_lost=True) == 1
    assert node.report() == 1, "what was not accepted is told again"
    assert node.report() == 0, "what was accepted is not"
    assert one.told == [WARNING, EXHAUSTED]


def test_the_next_window_is_told_anew(subscribed: Subscribe) -> None:
    one = subscribed()
    node = _alone(one)
    node.call(1000)
    node.report()
    node.clock.at += NEXT_MONTH
    node.report()
    assert one.told == [WARNING, EXHAUSTED]
    node.call(800)
    node.report()
    assert one.told == [WARNING, EXHAUSTED, WARNING]


def test_nodes_that_share_a_quota_are_added_up(subscribed: Subscribe) -> None:
    one = subscribed()
    for _ in range(3):
        one.join()
    one.settle()
    for node in one.nodes:
        node.clock.at += NEXT_MONTH
    for _ in range(400):
        for node in one.nodes:
            node.call()
            node.step()
        if sum(node.count for node in one.nodes) >= 780:
            break
    for node in one.nodes:
        node.report()
    assert one.told == [], "no node alone has used 80 %"
    for _ in range(400):
        for node in one.nodes:
            node.call()
            node.step()
    assert sum(node.count for node in one.nodes) == 1000
    for node in one.nodes:
        node.report()
    assert one.told == [WARNING, EXHAUSTED]


def test_a_table_that_is_made_anew_does_not_tell_it_again(subscribed: Subscribe) -> None:
    one = subscribed()
    node = _alone(one)
    node.call(800)
    node.report()
    node.close()
    (one.folder / f"{node.actor.node}.tbl").unlink()
    again = SharingNode(str(node.actor.node), one.gateway, one.folder, one.row, one.quota)
    one.nodes[0] = again
    again.step()
    again.call(300)
    again.report()
    assert one.told == [WARNING], "the new table counts anew: it is not at its end"
    again.call(700)
    again.report()
    assert one.told == [WARNING, EXHAUSTED]


def test_a_quota_that_is_too_small_for_a_call_is_at_its_end(subscribed: Subscribe) -> None:
    one = subscribed()
    node = _alone(one)
    node.cost = 7
    node.call(142)
    node.report()
    assert (node.count, one.told) == (994, [WARNING])
    node.call()
    node.report()
    assert one.told == [WARNING, EXHAUSTED]
    assert Event.objects.get(kind=EXHAUSTED).data["used"] == 994


def test_a_quota_that_only_watches_says_so(subscribed: Subscribe) -> None:
    one = subscribed(is_shadow=True)
    node = _alone(one)
    node.call(1000)
    node.report()
    assert [event.data["is_shadow"] for event in Event.objects.filter(subject=one.id)[1:]]
    assert one.told == [WARNING, EXHAUSTED]


def test_an_amount_that_was_raised_is_what_counts(subscribed: Subscribe, admin: Actor) -> None:
    one = subscribed()
    plans.update(admin, f"{one.name}/p", quotas=["2000/month"])
    node = _alone(one)
    node.call(1000)
    node.report()
    assert one.told == []


@pytest.mark.parametrize(
    "change",
    [{"row": 987_654}, {"slot": 5}, {"index": 3}, {"slot": -1}],
    ids=["subscription", "slot", "window", "no slot"],
)
def test_what_the_store_does_not_know_is_passed_over(
    subscribed: Subscribe, change: dict[str, int]
) -> None:
    one = subscribed()
    node = _alone(one)
    index = one.quota.window_index(AT)
    reading = QuotaReading(one.row, 0, index, 1000, is_refused=True, epoch="e")
    nodes.report(
        node.actor,
        replace(REPORT, node=node.actor.node or "", quotas=(replace(reading, **change),)),
    )
    assert (one.told, QuotaUse.objects.count()) == ([], 0)


def test_a_report_that_was_overtaken_is_heard_all_the_same(subscribed: Subscribe) -> None:
    one = subscribed()
    node = _alone(one)
    nodes.report(
        node.actor,
        replace(REPORT, node=node.actor.node or "", reported_at=AT + timedelta(seconds=9)),
    )
    node.call(1000)
    node.report()
    assert one.told == [WARNING, EXHAUSTED]


def test_what_was_told_is_forgotten_only_after_its_window(subscribed: Subscribe) -> None:
    one = subscribed()
    node = _alone(one)
    node.call(1000)
    node.report()
    housekeeping.tidy(AT + timedelta(days=9))
    assert (QuotaUse.objects.count(), EventMark.objects.count()) == (1, 2)
    housekeeping.tidy(AT + timedelta(days=13))
    assert (QuotaUse.objects.count(), EventMark.objects.count()) == (0, 0)
