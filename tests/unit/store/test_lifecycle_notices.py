"""Of an end are told those who have called lately, each once, and nobody else."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from headgate.core.problems import DependencyError
from headgate.model.events import EventKind
from headgate.store.models import Application, Event
from headgate.store.services.actor import Actor
from headgate.store.services.catalog import imports, lifecycle
from headgate.store.services.catalog.lifecycle_notices import tell_due
from headgate.store.services.consumers import applications, organizations
from headgate.store.services.gateway import gateways, publishing, rollbacks
from tests.support.recorded import Call, Recorded
from tests.support.store import AT, DOCUMENT, import_api, source

DEPRECATED = DOCUMENT.replace(
    "operationId: addPet\n", "operationId: addPet\n      deprecated: true\n"
)
KINDS = (EventKind.API_DEPRECATED, EventKind.API_RETIRED, EventKind.OPERATION_DEPRECATED)


@pytest.fixture
def records(store: object, data: object, settings: object) -> Iterator[Recorded]:
    settings.HEADGATE_DATA = data  # type: ignore[attr-defined]  # pytest-django's settings
    made = Recorded(data)  # type: ignore[arg-type]  # a path
    yield made
    made.close()


@pytest.fixture
def world(admin: Actor, records: Recorded) -> Recorded:
    """`acme` called listPets of v1 with two applications, `globex` long ago, `initech` v2,
    `hooli` addPet; `gone` called and is no more. Somebody unknown called as well."""
    import_api(admin)
    imports.import_document(admin, name="pets", version="v2", source=source(), base_path="/pets-v2")
    publishing.publish(admin, "pets")
    publishing.publish(admin, "pets@v2")
    acme = [_application(admin, f"acme/{name}") for name in ("one", "two")]
    globex, initech = _application(admin, "globex/app"), _application(admin, "initech/app")
    hooli, gone = _application(admin, "hooli/app"), _application(admin, "gone/app")
    recent = AT - timedelta(days=3)
    calls = [
        *(_call(one, recent) for one in acme),
        _call(acme[0], recent),
        _call(globex, AT - timedelta(days=31)),
        _call(initech, recent, version="v2"),
        _call(hooli, recent, operation="addPet"),
        _call(gone, recent),
        Call(recent),
    ]
    records.add(calls, AT)
    applications.delete(admin, "gone/app")
    organizations.delete(admin, "gone")
    _application(admin, "gone/other")  # another organization of the same name
    return records


def _application(admin: Actor, path: str) -> Application:
    owner, _, name = path.partition("/")
    return applications.create(admin, name=name, organization=owner, create_organization=True)


def _call(
    caller: Application, at: object, version: str = "v1", operation: str = "listPets"
) -> Call:
    return Call(
        at,  # type: ignore[arg-type]  # an instant
        version=version,
        operation=operation,
        organization=caller.organization.id,
        application=caller.id,
    )


def told() -> list[tuple[str, str, list[str]]]:
    rows = Event.objects.filter(kind__in=KINDS).select_related("organization").order_by("pk")
    return [
        (row.kind, row.organization.name if row.organization else "", row.data["applications"])
        for row in rows
    ]


@pytest.mark.usefixtures("world")
def test_those_who_called_in_thirty_days_are_told_once_of_a_deprecation(admin: Actor) -> None:
    assert tell_due(admin) == 0
    lifecycle.deprecate(admin, "pets", successor="v2", link="https://example.com/moving")
    assert tell_due(admin) == 2
    assert told() == [
        ("api.deprecated", "acme", ["acme/one", "acme/two"]),
        ("api.deprecated", "hooli", ["hooli/app"]),
    ]
    event = Event.objects.filter(kind="api.deprecated").earliest("pk")
    assert event.subject == "pets@v1"
    assert event.data == {
        "version": "pets@v1",
        "applications": ["acme/one", "acme/two"],
        "deprecated_at": AT.isoformat(),
        "sunset_at": None,
        "successor": "pets@v2",
        "link": "https://example.com/moving",
    }
    assert tell_due(admin) == 0


@pytest.mark.usefixtures("world")
def test_they_are_told_again_when_something_else_is_said_and_not_when_it_is_the_same(
    admin: Actor,
) -> None:
    lifecycle.deprecate(admin, "pets", successor="v2")
    tell_due(admin)
    lifecycle.deprecate(admin, "pets", successor="v2")
    assert tell_due(admin) == 0
    lifecycle.deprecate(admin, "pets", sunset_at=AT + timedelta(days=90))
    assert tell_due(admin) == 2


@pytest.mark.usefixtures("world")
def test_a_deprecation_that_was_taken_back_in_time_is_told_to_nobody(admin: Actor) -> None:
    before = gateways.get(admin, "default").revision
    lifecycle.deprecate(admin, "pets")
    lifecycle.undeprecate(admin, "pets")
    assert tell_due(admin) == 0
    lifecycle.deprecate(admin, "pets")
    rollbacks.rollback(admin, "default", revision=before)
    assert tell_due(admin) == 0


@pytest.mark.usefixtures("world")
def test_of_a_retirement_the_same_are_told(admin: Actor) -> None:
    lifecycle.deprecate(admin, "pets@v2")
    tell_due(admin)
    lifecycle.retire(admin, "pets@v2", confirm="pets@v2")
    assert tell_due(admin) == 1
    assert told() == [
        ("api.deprecated", "initech", ["initech/app"]),
        ("api.retired", "initech", ["initech/app"]),
    ]


@pytest.mark.usefixtures("world")
def test_of_an_operation_are_told_those_who_called_it_once_it_is_in_force(admin: Actor) -> None:
    imports.reimport(admin, "pets", source=source(DEPRECATED))
    assert tell_due(admin) == 0
    publishing.publish(admin, "pets")
    assert tell_due(admin) == 1
    assert told() == [("operation.deprecated", "hooli", ["hooli/app"])]
    assert Event.objects.get(kind="operation.deprecated").data["operation"] == "addPet"
    imports.reimport(admin, "pets", source=source(DEPRECATED + "# again\n"))
    publishing.publish(admin, "pets")
    assert tell_due(admin) == 0
    imports.reimport(admin, "pets", source=source())
    imports.reimport(admin, "pets", source=source(DEPRECATED))
    assert tell_due(admin) == 1


def test_nobody_is_forgotten_when_the_records_cannot_be_read(admin: Actor, world: Recorded) -> None:
    lifecycle.deprecate(admin, "pets")
    kept = world.damage()
    with pytest.raises(DependencyError):
        tell_due(admin)
    assert told() == []
    world.mend(kept)
    assert tell_due(admin) == 2
