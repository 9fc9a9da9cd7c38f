"""A version's state changes by one step at a time, is in force at once, and can be taken back."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headgate.core.problems import Problem, ProblemType
from headgate.model.lifecycle import Lifecycle, Notice
from headgate.model.snapshot import PolicyUse, Snapshot, SnapshotAPI, merge
from headgate.store.models import AuditEntry, Operation
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.catalog import apis, imports, lifecycle
from headgate.store.services.consumers import applications
from headgate.store.services.gateway import gateways, policies, publishing, releases, rollbacks
from tests.support.recorded import Call, Recorded
from tests.support.store import AT, DOCUMENT, import_api, source

SUNSET = datetime(2027, 6, 30, tzinfo=UTC)
LINK = "https://example.com/moving"


@pytest.fixture
def records(store: Path, settings: object) -> Iterator[Recorded]:
    """A traffic store of the test's own."""
    settings.HEADGATE_DATA = store  # type: ignore[attr-defined]  # pytest-django's settings
    made = Recorded(store)
    yield made
    made.close()


@pytest.fixture
def called(admin: Actor, records: Recorded) -> Recorded:
    """`acme/demo` called version v1 twice, two days and a few hours ago, and v2 never."""
    made = applications.create(admin, name="demo", organization="acme", create_organization=True)
    ids = {"organization": made.organization.id, "application": made.id}
    calls = [Call(AT - timedelta(days=2, hours=hour), **ids) for hour in range(2)]
    records.add(calls, AT)
    return records


@pytest.fixture
def published(admin: Actor) -> None:
    import_api(admin)
    imports.import_document(admin, name="pets", version="v2", source=source(), base_path="/pets-v2")
    publishing.publish(admin, "pets")
    publishing.publish(admin, "pets@v2")


def live(node: Actor, version: str = "v1") -> SnapshotAPI:
    delta = publishing.snapshot_delta(node, after=0)
    assert delta is not None
    snapshot: Snapshot = merge(None, delta)
    return next(api for api in snapshot.apis if api.version == version)


def state(admin: Actor, name: str = "pets@v1") -> str:
    return apis.get_version(admin, name).lifecycle


def test_an_import_is_a_draft_and_publishing_it_makes_it_published(admin: Actor) -> None:
    import_api(admin)
    assert state(admin) == Lifecycle.DRAFT
    publishing.publish(admin, "pets")
    assert state(admin) == Lifecycle.PUBLISHED
    publishing.unpublish(admin, "pets")
    assert state(admin) == Lifecycle.DRAFT


def test_a_version_that_another_gateway_serves_is_no_draft(admin: Actor) -> None:
    import_api(admin)
    gateways.create(admin, name="staging")
    publishing.publish(admin, "pets")
    publishing.publish(admin, "pets", gateway="staging")
    publishing.unpublish(admin, "pets")
    assert state(admin) == Lifecycle.PUBLISHED


@pytest.mark.usefixtures("published")
def test_a_deprecation_is_in_force_at_once_and_says_what_was_given(
    admin: Actor, node: Actor
) -> None:
    moved = lifecycle.deprecate(admin, "pets", sunset_at=SUNSET, successor="v2", link=LINK)
    assert [name for name, _ in moved.revisions] == ["default"]
    assert moved.version.lifecycle == Lifecycle.DEPRECATED
    assert live(node).notice == Notice(AT, SUNSET, LINK, "pets@v2", "/pets-v2")
    assert live(node, "v2").notice is None
    entry = AuditEntry.objects.get(action="api.deprecated")
    assert entry.before == {"state": "published"}
    assert entry.after["successor"] == "pets@v2"


@pytest.mark.usefixtures("published")
def test_a_deprecation_leaves_drafts_of_everything_else_drafts(admin: Actor, node: Actor) -> None:
    policies.set_api(admin, "pets", [PolicyUse("request_size", {"body_max": "1kB"})])
    before = live(node)
    lifecycle.deprecate(admin, "pets")
    after = live(node)
    assert after.policies == before.policies == ()
    assert after.notice == Notice(AT)
    assert after == replace(before, notice=Notice(AT))


@pytest.mark.usefixtures("published")
def test_saying_it_again_changes_what_is_given_and_keeps_the_rest(
    admin: Actor, node: Actor
) -> None:
    lifecycle.deprecate(admin, "pets", sunset_at=SUNSET, successor="v2")
    later = admin.later(AT + timedelta(days=3))
    lifecycle.deprecate(later, "pets", link=LINK)
    assert live(node).notice == Notice(AT, SUNSET, LINK, "pets@v2", "/pets-v2")
    lifecycle.deprecate(later, "pets", sunset_at=None, successor="", link="")
    assert live(node).notice == Notice(AT)


@pytest.mark.usefixtures("published")
def test_a_deprecation_taken_back_leaves_nothing_of_it(admin: Actor, node: Actor) -> None:
    lifecycle.deprecate(admin, "pets", sunset_at=SUNSET, successor="v2", link=LINK)
    lifecycle.undeprecate(admin, "pets")
    assert state(admin) == Lifecycle.PUBLISHED
    assert live(node).notice is None
    lifecycle.deprecate(admin, "pets")
    assert live(node).notice == Notice(AT)


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"sunset_at": AT}, "/sunset_at"),
        ({"sunset_at": datetime(2027, 1, 1)}, "/sunset_at"),  # what is refused
        ({"successor": "v9"}, "/successor"),
        ({"successor": "v1"}, "/successor"),
        ({"successor": "shop@v1"}, "/successor"),
        ({"link": "not an address"}, "/link"),
        ({"retires_at_sunset": True}, "/sunset_at"),
    ],
)
@pytest.mark.usefixtures("published")
def test_a_deprecation_that_says_something_wrong_is_refused_whole(
    admin: Actor, given: dict[str, object], pointer: str
) -> None:
    with pytest.raises(Problem) as refused:
        lifecycle.deprecate(admin, "pets", **given)  # type: ignore[arg-type]  # wrong on purpose
    assert refused.value.type is ProblemType.INVALID_INPUT
    assert [error.pointer for error in refused.value.errors] == [pointer]
    assert state(admin) == Lifecycle.PUBLISHED


def test_who_may_only_read_deprecates_nothing(admin: Actor) -> None:
    import_api(admin)
    publishing.publish(admin, "pets")
    reader = Actor("reader", frozenset({Scope.READ, Scope.TRAFFIC}), AT)
    for act in (lifecycle.deprecate, lifecycle.undeprecate, lifecycle.retire):
        with pytest.raises(Problem) as refused:
            act(reader, "pets")
        assert refused.value.type is ProblemType.FORBIDDEN


@pytest.mark.usefixtures("published", "called")
def test_a_retirement_needs_the_name_where_somebody_has_called_lately(
    admin: Actor, node: Actor
) -> None:
    lifecycle.deprecate(admin, "pets", successor="v2")
    for confirm in ("", "pets@v2", "yes"):
        with pytest.raises(Problem) as refused:
            lifecycle.retire(admin, "pets", confirm=confirm)
        assert refused.value.type is ProblemType.CONFLICT
        assert "1 application of 1 organization called it" in refused.value.detail
        assert [error.message for error in refused.value.errors] == [
            "acme/demo: 2 calls, the last at 2026-11-19 09:00 UTC"
        ]
    assert state(admin) == Lifecycle.DEPRECATED
    lifecycle.retire(admin, "pets", confirm="pets@v1")
    notice = live(node).notice
    assert notice is not None
    assert (notice.is_retired, notice.sunset_at) == (True, AT)


@pytest.mark.usefixtures("published")
def test_a_retirement_that_hits_nobody_needs_no_name_and_one_unseen_does(
    admin: Actor, node: Actor, called: Recorded
) -> None:
    lifecycle.deprecate(admin, "pets@v2")
    lifecycle.retire(admin, "pets@v2")
    assert live(node, "v2").is_retired
    lifecycle.deprecate(admin, "pets")
    called.damage()
    with pytest.raises(Problem, match="Nobody can say who still calls it"):
        lifecycle.retire(admin, "pets")
    assert not live(node).is_retired


@pytest.mark.usefixtures("published", "called")
def test_calls_of_more_than_thirty_days_ago_hit_nobody(admin: Actor, node: Actor) -> None:
    lifecycle.deprecate(admin, "pets")
    lifecycle.retire(admin.later(AT + timedelta(days=29)), "pets")
    assert live(node).is_retired


@pytest.mark.usefixtures("published", "records")
def test_publishing_brings_a_retired_version_back_and_an_apply_does_not(
    admin: Actor, node: Actor
) -> None:
    lifecycle.deprecate(admin, "pets")
    lifecycle.retire(admin, "pets")
    publishing.publish_all(admin, "default", apis_in=["pets"], apis_out=[])
    assert live(node).is_retired
    publishing.publish(admin, "pets")
    assert live(node).notice is None
    assert state(admin) == Lifecycle.PUBLISHED
    assert AuditEntry.objects.filter(action="api.restored").count() == 1


@pytest.mark.usefixtures("published", "records")
def test_a_version_in_a_release_is_not_retired(admin: Actor) -> None:
    imports.import_document(admin, name="pets", version="v3", source=source())
    releases.start(admin, "pets@v3", percent=5)
    lifecycle.deprecate(admin, "pets")
    with pytest.raises(Problem, match="part of a release"):
        lifecycle.retire(admin, "pets")
    assert state(admin) == Lifecycle.DEPRECATED


@pytest.mark.usefixtures("published", "called")
def test_a_sunset_that_passes_retires_only_what_asked_for_it(admin: Actor, node: Actor) -> None:
    lifecycle.deprecate(admin, "pets", sunset_at=SUNSET, retires_at_sunset=True)
    lifecycle.deprecate(admin, "pets@v2", sunset_at=SUNSET)
    jobs = Actor.system("sunset", SUNSET - timedelta(seconds=1))
    assert lifecycle.retire_due(jobs) == ([], [])
    assert lifecycle.retire_due(jobs.later(SUNSET)) == (["pets"], [])
    assert live(node).is_retired
    assert not live(node, "v2").is_retired
    assert state(admin, "pets@v2") == Lifecycle.DEPRECATED
    assert lifecycle.retire_due(jobs.later(SUNSET)) == ([], [])


@pytest.mark.usefixtures("published", "records")
def test_a_rollback_takes_the_state_back_with_it(admin: Actor, node: Actor) -> None:
    lifecycle.deprecate(admin, "pets", successor="v2")
    deprecated = gateways.get(admin, "default").revision
    lifecycle.retire(admin, "pets")
    rollbacks.rollback(admin, "default", revision=deprecated)
    assert state(admin) == Lifecycle.DEPRECATED
    version = apis.get_version(admin, "pets")
    assert (version.successor, version.retired_at) == ("pets@v2", None)
    rollbacks.rollback(admin, "default", revision=deprecated - 1)
    assert state(admin) == Lifecycle.PUBLISHED


@pytest.mark.usefixtures("published")
def test_a_rollback_leaves_the_state_of_what_another_gateway_serves(admin: Actor) -> None:
    gateways.create(admin, name="staging")
    publishing.publish(admin, "pets", gateway="staging")
    before = gateways.get(admin, "default").revision
    moved = lifecycle.deprecate(admin, "pets")
    assert sorted(name for name, _ in moved.revisions) == ["default", "staging"]
    rollbacks.rollback(admin, "default", revision=before)
    assert state(admin) == Lifecycle.DEPRECATED


def test_a_deprecated_operation_has_its_date_from_the_import_and_its_sunset_from_the_document(
    admin: Actor, node: Actor
) -> None:
    import_api(admin)
    publishing.publish(admin, "pets")
    text = DOCUMENT.replace(
        "operationId: addPet\n",
        "operationId: addPet\n      deprecated: true\n      x-sunset: '2027-06-30'\n",
    )
    later = admin.later(AT + timedelta(days=1))
    imports.reimport(later, "pets", source=source(text))
    imports.reimport(admin.later(AT + timedelta(days=2)), "pets", source=source(text + "# same\n"))
    publishing.publish(admin, "pets")
    notices = {one.id: one.notice for one in live(node).operations}
    assert notices == {
        "listPets": None,
        "getPet": None,
        "addPet": Notice(AT + timedelta(days=1), SUNSET),
    }
    imports.reimport(admin, "pets", source=source())
    row = Operation.objects.get(version__api__name="pets", id="addPet")
    assert (row.deprecated_at, row.sunset_at, row.notice) == (None, None, None)
