"""A release is one revision each time it changes, and ends promoted or aborted."""

import pytest

from headgate.core.problems import Problem, ProblemType
from headgate.model.release import Release as Share
from headgate.model.snapshot import Snapshot, merge
from headgate.store.models import APIVersion, AuditEntry
from headgate.store.services.actor import Actor
from headgate.store.services.catalog import apis, imports, versions
from headgate.store.services.consumers import applications
from headgate.store.services.gateway import publishing, releases, rollbacks
from tests.support.store import import_api, source


@pytest.fixture
def two_versions(admin: Actor) -> None:
    import_api(admin)
    imports.import_document(admin, name="pets", version="v2", source=source())
    publishing.publish(admin, "pets")


def snapshot(node: Actor) -> Snapshot:
    """What a new node would serve."""
    delta = publishing.snapshot_delta(node, after=0)
    assert delta is not None
    return merge(None, delta)


def rows() -> dict[str, int]:
    return {row.name: row.pk for row in APIVersion.objects.filter(removed_at=None)}


@pytest.mark.usefixtures("two_versions")
def test_a_release_publishes_the_version_and_tells_nodes_its_share(
    admin: Actor, node: Actor
) -> None:
    row, revision = releases.start(admin, "pets@v2", percent=5, abort_if="error_ratio>0.02")
    served = snapshot(node)
    assert revision.number == served.revision
    assert {api.version for api in served.apis} == {"v1", "v2"}
    own = rows()
    assert served.releases == (Share(own["v1"], own["v2"], percent=5.0, seed=row.pk),)
    assert row.abort_if == "error_ratio > 0.02"


@pytest.mark.usefixtures("two_versions")
def test_a_change_keeps_what_is_not_given_and_the_same_again_makes_no_revision(
    admin: Actor, node: Actor
) -> None:
    releases.start(admin, "pets@v2", percent=5, header="X-Beta=1")
    _, second = releases.start(admin, "pets@v2", percent=12.5)
    _, again = releases.start(admin, "pets@v2", percent=12.5)
    assert again == second
    (share,) = snapshot(node).releases
    assert (share.percent, share.header, share.value) == (12.5, "x-beta", "1")


@pytest.mark.usefixtures("two_versions")
def test_promoting_turns_the_versions_round_in_one_revision_and_a_rollback_turns_them_back(
    admin: Actor, node: Actor
) -> None:
    _, before = releases.start(admin, "pets@v2", percent=5)
    after = releases.promote(admin, "pets")
    assert after.number == before.number + 1
    served = snapshot(node)
    assert [(api.version, api.is_default) for api in served.apis] == [("v1", False), ("v2", True)]
    assert served.releases == ()
    assert apis.get_version(admin, "pets").name == "v2"
    rollbacks.rollback(admin, "default", revision=before.number)
    served = snapshot(node)
    assert [api.version for api in served.routed] == ["v1"]
    assert served.releases == ()


@pytest.mark.usefixtures("two_versions")
def test_aborting_gives_everybody_the_default_version_and_keeps_the_reason(
    admin: Actor, node: Actor
) -> None:
    releases.start(admin, "pets@v2", percent=50)
    releases.abort(admin, "pets", reason="wrong totals")
    assert snapshot(node).releases == ()
    (ended,) = releases.page(admin).items
    assert (ended.outcome, ended.reason) == ("aborted", "wrong totals")
    with pytest.raises(Problem) as caught:
        releases.abort(admin, "pets")
    assert caught.value.type is ProblemType.NOT_FOUND
    actions = AuditEntry.objects.filter(subject_kind="release").values_list("action", flat=True)
    assert set(actions) == {"release.started", "release.aborted"}


@pytest.mark.usefixtures("two_versions")
def test_what_stands_in_the_way_of_a_release_is_said(admin: Actor) -> None:
    imports.import_document(admin, name="pets", version="v3", source=source())
    with pytest.raises(Problem, match="is the default version"):
        releases.start(admin, "pets", percent=5)
    for wrong in ({"percent": 101.0}, {"header": "x-beta"}, {"abort_if": "bad > 1"}):
        with pytest.raises(Problem) as caught:
            releases.start(admin, "pets@v2", **wrong)
        assert caught.value.type is ProblemType.INVALID_INPUT
    releases.start(admin, "pets@v2", percent=5)
    with pytest.raises(Problem, match="'pets@v2' is under way"):
        releases.start(admin, "pets@v3", percent=5)
    with pytest.raises(Problem, match="part of a release"):
        publishing.unpublish(admin, "pets@v2")
    with pytest.raises(Problem, match="part of a release"):
        publishing.unpublish(admin, "pets")
    with pytest.raises(Problem, match="A release of 'pets' is under way"):
        versions.make_default(admin, "pets@v3")


def test_a_release_needs_a_default_version_that_is_live(admin: Actor) -> None:
    import_api(admin)
    imports.import_document(admin, name="pets", version="v2", source=source())
    with pytest.raises(Problem, match="headgate publish pets"):
        releases.start(admin, "pets@v2", percent=5)


@pytest.mark.usefixtures("two_versions")
def test_a_rollback_ends_what_is_under_way(admin: Actor, node: Actor) -> None:
    releases.start(admin, "pets@v2", percent=5)
    rollbacks.rollback(admin, "default", revision=1)
    assert snapshot(node).releases == ()
    (ended,) = releases.page(admin).items
    assert ended.outcome == "aborted"


@pytest.mark.usefixtures("two_versions")
def test_the_calls_of_applications_may_go_to_the_version(admin: Actor, node: Actor) -> None:
    made = applications.create(admin, name="demo", organization="acme", create_organization=True)
    row, _ = releases.start(admin, "pets@v2", applications=["acme/demo", made.id])
    assert snapshot(node).releases[0].applications == (made.id,)
    assert releases.fields(row)["applications"] == ["acme/demo"]
    releases.start(admin, "pets@v2", percent=5)
    assert snapshot(node).releases[0].applications == (made.id,)
    releases.start(admin, "pets@v2", applications=[])
    assert snapshot(node).releases[0].applications == ()
    with pytest.raises(Problem) as caught:
        releases.start(admin, "pets@v2", applications=["acme/nobody"])
    assert caught.value.type is ProblemType.NOT_FOUND
