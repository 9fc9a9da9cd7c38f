"""Does every page of the console open for those whose role allows it, and for nobody else?"""

import re
from collections.abc import Iterator

import pytest
from django.urls import URLPattern

from headgate.store.services.actor import Scope
from headgate.store.services.consumers.roles import SCOPES, Role
from headgate.web.console.urls import urlpatterns
from tests.support.console_world import ConsoleWorld, console_world
from tests.support.person import Person

pytestmark = pytest.mark.integration
NEEDS = {
    "console_traffic": Scope.TRAFFIC,
    "console_traffic_new": Scope.TRAFFIC,
    "console_request": Scope.TRAFFIC,
    "console_numbers": Scope.TRAFFIC,
    "console_audit": Scope.AUDIT,
    "console_entry": Scope.AUDIT,
    "console_people": Scope.AUDIT,
    "console_person": Scope.AUDIT,
    "console_tokens": Scope.ADMIN,
    "console_token": Scope.ADMIN,
    "console_rollback": Scope.ADMIN,
    "console_look": Scope.WRITE,
    "console_access_grant": Scope.KEYS,
    "console_access_refuse": Scope.KEYS,
    "console_access_revoke": Scope.KEYS,
    "console_import": Scope.WRITE,
    "console_policy": Scope.WRITE,
    "console_policies": Scope.READ,
    "console_text_page": Scope.WRITE,
    "console_text_page_delete": Scope.WRITE,
    "console_scopes": Scope.WRITE,
    "console_webhooks": Scope.ADMIN,
    "console_webhook": Scope.ADMIN,
    "console_deliveries": Scope.ADMIN,
    "console_delivery": Scope.ADMIN,
    "console_erasure": Scope.ADMIN,
    "console_erase": Scope.ADMIN,
    "console_settings": Scope.AUDIT,
}
"""What these pages need, if it is more than to read."""
CHANGES = {
    "console_api_": Scope.WRITE,
    "console_product_": Scope.WRITE,
    "console_plan_": Scope.WRITE,
    "console_mark_": Scope.WRITE,
    "console_release_": Scope.WRITE,
    "console_application_": Scope.KEYS,
    "console_subscription_": Scope.KEYS,
    "console_key_": Scope.KEYS,
    "console_client_": Scope.KEYS,
    "console_trust_": Scope.KEYS,
    "console_secret_": Scope.WRITE,
    "console_signing_keys_": Scope.ADMIN,
    "console_webhook_": Scope.ADMIN,
    "console_delivery_": Scope.ADMIN,
    "console_block_": Scope.BLOCKS,
    "console_organization_": Scope.ADMIN,
    "console_team_": Scope.MEMBERS,
    "console_gateway_": Scope.ADMIN,
    "console_node_": Scope.ADMIN,
    "console_person_": Scope.ADMIN,
    "console_token_": Scope.ADMIN,
    "console_feedback_settle": Scope.WRITE,
}
"""What the pages of acts need, by how their names begin."""
READ_ONLY = {
    "console_api_operations": Scope.READ,
    "console_api_callers": Scope.TRAFFIC,
    "console_team_members": Scope.READ,
    "console_team_member": Scope.READ,
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    with console_world(tmp_path_factory.mktemp("console")) as running:
        yield running


def needed(name: str) -> Scope:
    if name in READ_ONLY:
        return READ_ONLY[name]
    if name in NEEDS:
        return NEEDS[name]
    return next((scope for begin, scope in CHANGES.items() if name.startswith(begin)), Scope.READ)


def address(world: ConsoleWorld, pattern: URLPattern) -> str:
    """The address of a page about what is in the world."""
    ids = dict(world.ids)
    route = str(pattern.pattern)
    if "/applications/" in route:
        ids["name"] = "demo"
    if "/policies/" in route or "/policy/" in route:
        ids["name"] = "pets"
    if "/look/" in route:
        ids["name"] = "new"
    if "/erasure/" in route:
        ids |= {"kind": "application", "name": "acme/demo"}
    return f"/console{PARAMETER.sub(lambda found: ids[found.group(1)], route)}"


PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
ELSEWHERE = (
    "<str:release>",
    "/remove-policy",
    "/look/pages/<name>/delete",
)  # what is not in the world
PAGES = [one for one in urlpatterns if not any(part in str(one.pattern) for part in ELSEWHERE)]


@pytest.mark.parametrize("role", list(Role))
def test_each_role_opens_what_its_scopes_say_and_nothing_else(
    world: ConsoleWorld, role: Role
) -> None:
    wrong = []
    for pattern in PAGES:
        path = address(world, pattern)
        if pattern.name == "console_traffic_new":
            path += "?after=0.0."
        status = world.person(role).get(path).status_code
        expected = 200 if needed(str(pattern.name)) in SCOPES[role] else 403
        if status != expected:
            wrong.append(f"{role} {path}: {status}, not {expected}")
    assert wrong == []


def test_strangers_are_asked_to_sign_in_and_others_find_nothing(world: ConsoleWorld) -> None:
    wrong = []
    with Person(world.up.web) as stranger:
        for pattern in PAGES:
            path = address(world, pattern)
            for person, expected in ((stranger, 401), (world.person("outsider"), 404)):
                status = person.get(path).status_code
                if status != expected:
                    wrong.append(f"{path}: {status}, not {expected}")
    assert wrong == []


@pytest.mark.parametrize("role", list(Role))
def test_no_page_shows_a_way_that_is_refused(world: ConsoleWorld, role: Role) -> None:
    person, wrong, seen = world.person(role), [], set()
    for pattern in PAGES:
        page = person.get(address(world, pattern))
        if page.status_code != 200 or pattern.name == "console_traffic_new":
            continue
        for target in re.findall(r'href="(/console[^"?#]*)', page.text):
            if target not in seen:
                seen.add(target)
                status = person.get(target).status_code
                if status >= 400:
                    wrong.append(f"{pattern.name} leads {role} to {target}: {status}")
    assert wrong == []
