"""An organization is told of what its own applications use and ends, and of nothing else."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from headgate.store.models import Application, Credential
from headgate.store.services.actor import Actor, Scope, implied
from headgate.store.services.alerts import notice_board
from headgate.store.services.catalog import apis, imports, lifecycle
from headgate.store.services.consumers import applications, credentials
from headgate.store.services.gateway import publishing
from headgate.store.services.traffic import api_status
from headgate.traffic.health import Health
from tests.support.recorded import Call, Recorded
from tests.support.store import AT, DOCUMENT, import_api, source

DEPRECATED = DOCUMENT.replace(
    "operationId: addPet\n", "operationId: addPet\n      deprecated: true\n"
)


@pytest.fixture
def records(store: object, data: object, settings: object) -> Iterator[Recorded]:
    settings.HEADGATE_DATA = data  # type: ignore[attr-defined]  # pytest-django's settings
    made = Recorded(data)  # type: ignore[arg-type]  # a path
    yield made
    made.close()


def application(admin: Actor, path: str) -> Application:
    owner, _, name = path.partition("/")
    return applications.create(admin, name=name, organization=owner, create_organization=True)


def member(name: str) -> Actor:
    scopes = implied([Scope.KEYS, Scope.TRAFFIC])
    return Actor(f"dev@{name}", scopes, AT, organization=name)


def call(caller: Application, *, days: int = 3, operation: str = "listPets", **more: str) -> Call:
    return Call(
        AT - timedelta(days=days),
        operation=operation,
        organization=caller.organization.id,
        application=caller.id,
        **more,
    )


@pytest.fixture
def world(admin: Actor, records: Recorded) -> Recorded:
    """`acme` calls v1 with one application, `globex` called it long ago, `initech` calls v2."""
    import_api(admin)
    imports.import_document(admin, name="pets", version="v2", source=source(), base_path="/pets-v2")
    publishing.publish(admin, "pets")
    publishing.publish(admin, "pets@v2")
    acme, globex = application(admin, "acme/one"), application(admin, "globex/app")
    initech = application(admin, "initech/app")
    calls = [call(acme), call(acme), call(acme, operation="addPet"), call(globex, days=31)]
    records.add([*calls, call(initech, version="v2")], AT)
    return records


@pytest.mark.usefixtures("world")
def test_those_who_call_a_version_see_its_end_and_where_to_go(admin: Actor) -> None:
    assert notice_board.endings(member("acme")) == []
    lifecycle.deprecate(
        admin, "pets", sunset_at=AT + timedelta(days=90), successor="v2", link="https://x.example"
    )
    (ending,) = notice_board.endings(member("acme"))
    assert ending.sunset_at == AT + timedelta(days=90)
    assert ending.successor is not None
    assert ending.successor.name == "v2"
    (use,) = ending.uses
    assert (use.application, use.calls) == ("acme/one", 3)
    for other in ("globex", "initech"):
        assert notice_board.endings(member(other)) == []
    lifecycle.retire(admin, "pets", confirm="pets")
    (ending,) = notice_board.endings(member("acme"))
    assert ending.is_retired


@pytest.mark.usefixtures("world")
def test_those_who_call_an_operation_see_its_end(admin: Actor) -> None:
    imports.reimport(admin, "pets", source=source(DEPRECATED))
    publishing.publish(admin, "pets")
    (ending,) = notice_board.endings(member("acme"))
    assert ending.operation is not None
    assert (ending.operation.id, ending.uses[0].calls) == ("addPet", 1)
    assert notice_board.endings(member("initech")) == []


def test_calls_in_files_of_an_older_release_are_told_like_those_in_new_ones(
    admin: Actor, world: Recorded
) -> None:
    world.make_older()
    one, other = (Application.objects.get(organization__name=o) for o in ("acme", "globex"))
    world.add([call(one), call(one, operation="addPet"), call(other, days=31)], AT)
    lifecycle.deprecate(admin, "pets", sunset_at=AT + timedelta(days=90), successor="v2")
    (ending,) = notice_board.endings(member("acme"))
    assert [(use.application, use.calls) for use in ending.uses] == [("acme/one", 5)]
    assert ending.uses[0].last_call_at == AT - timedelta(days=3)
    for name in ("globex", "initech"):
        assert notice_board.endings(member(name)) == []
    status = api_status.of(apis.served("pets"), AT)
    assert sum(day.calls for day in status.days) == 7  # of all callers, in all files


@pytest.mark.usefixtures("world")
def test_keys_that_end_soon_are_listed_for_their_owner_alone(admin: Actor) -> None:
    def key(days: float, owner: str = "acme/one") -> Credential:
        end = AT + timedelta(days=days)
        return credentials.issue(admin, application=owner, expires_at=end).credential

    soon, gone = key(29), key(40)
    key(31)
    key(5, "globex/app")
    Credential.objects.filter(pk=gone.pk).update(expires_at=AT - timedelta(days=6))
    replaced = key(10)
    credentials.rotate(admin, replaced.id, overlap_seconds=3600)
    credentials.revoke(admin, key(7).id)
    assert [one.pk for one in notice_board.keys(member("acme"))] == [gone.pk, soon.pk]


def test_a_status_is_that_of_the_version_and_of_its_days(admin: Actor, records: Recorded) -> None:
    import_api(admin)
    version = apis.served("pets")
    caller = application(admin, "acme/one")
    good = [call(caller, days=days) for days in (0, 2) for _ in range(20)]
    bad = [call(caller, days=2, verdict="upstream_failed") for _ in range(5)]
    refused = [call(caller, days=0, verdict="rate_limited") for _ in range(50)]
    elsewhere = [call(caller, days=0, version="v2") for _ in range(30)]
    records.add([*good, *bad, *refused, *elsewhere], AT)
    at = AT + timedelta(seconds=1)
    status = api_status.of(version, at)
    assert (status.day.calls, status.day.failed) == (20, 0)
    assert status.day.health is status.hour.health is Health.GOOD
    assert len(status.days) == api_status.DAYS
    by_day = {one.day: (one.calls, one.failed) for one in status.days if one.calls}
    days = (AT.date() - timedelta(days=2), AT.date())
    assert by_day == {days[0]: (25, 5), days[1]: (20, 0)}
    records.add(good, AT)
    assert api_status.of(version, at).day.calls == 20  # a minute old at most
    assert api_status.of(version, at + timedelta(minutes=1)).day.calls == 40
