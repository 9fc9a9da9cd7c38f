"""Does a purge reach nodes at once, and nothing but the purge?"""

import pytest

from headgate.core.problems import Problem, ProblemType
from headgate.model.snapshot import PolicyUse, SnapshotAPI
from headgate.store.services import audit
from headgate.store.services.actor import Actor
from headgate.store.services.gateway import policies, publishing, purging
from tests.support.store import import_api


def served(node: Actor) -> SnapshotAPI:
    delta = publishing.snapshot_delta(node, after=0)
    assert delta is not None
    return delta.changed[0]


def purges(node: Actor) -> dict[str, int]:
    return {operation.id: operation.purged for operation in served(node).operations}


def test_a_purge_raises_the_number_of_every_operation_or_of_one(admin: Actor, node: Actor) -> None:
    import_api(admin)
    publishing.publish(admin, "pets")
    assert set(purges(node).values()) == {0}
    purging.purge(admin, "pets")
    assert set(purges(node).values()) == {1}
    second = purging.purge(admin, "pets", operation="getPet")
    assert purges(node) == {"listPets": 1, "addPet": 1, "getPet": 2}
    assert second.number == 3
    assert audit.page(admin).items[0].action == "gateway.cache_purged"


def test_a_purge_publishes_no_drafts_and_a_later_publish_takes_none_back(
    admin: Actor, node: Actor
) -> None:
    import_api(admin)
    publishing.publish(admin, "pets")
    policies.set_api(admin, "pets", [PolicyUse("cache")])
    purging.purge(admin, "pets")
    assert served(node).policies == ()
    publishing.publish(admin, "pets")
    assert served(node).policies == (PolicyUse("cache"),)
    assert set(purges(node).values()) == {1}


def test_what_is_not_published_or_not_there_cannot_be_purged(admin: Actor, node: Actor) -> None:
    import_api(admin)
    with pytest.raises(Problem, match="not published") as found:
        purging.purge(admin, "pets")
    assert found.value.type is ProblemType.CONFLICT
    publishing.publish(admin, "pets")
    with pytest.raises(Problem) as missing:
        purging.purge(admin, "pets", operation="nothing")
    assert missing.value.type is ProblemType.NOT_FOUND
    assert set(purges(node).values()) == {0}
