"""What can the installation tell that it happened? Every kind of event, with what it says.

`docs/events.md` is written from this module: `python -m headgate.model.events > docs/events.md`.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

EVENT_DATA_BYTES_MAX = 8_192  # as JSON


class EventKind(StrEnum):
    """Everything that an event can tell. A name, once published, keeps its meaning."""

    QUOTA_WARNING = "quota.warning"
    QUOTA_EXHAUSTED = "quota.exhausted"
    KEY_CREATED = "key.created"
    KEY_ROTATED = "key.rotated"
    KEY_REVOKED = "key.revoked"
    KEY_EXPIRING = "key.expiring"
    CLIENT_CREATED = "client.created"
    CLIENT_ROTATED = "client.rotated"
    CLIENT_REVOKED = "client.revoked"
    SUBSCRIPTION_CREATED = "subscription.created"
    SUBSCRIPTION_CHANGED = "subscription.changed"
    SUBSCRIPTION_ENDED = "subscription.ended"
    APPLICATION_CREATED = "application.created"
    APPLICATION_CHANGED = "application.changed"
    APPLICATION_DELETED = "application.deleted"
    ACCESS_ASKED = "access.asked"
    ACCESS_GRANTED = "access.granted"
    ACCESS_REFUSED = "access.refused"
    ACCESS_WITHDRAWN = "access.withdrawn"
    ACCESS_ENDING = "access.ending"
    ACCESS_LAPSED = "access.lapsed"
    ACCESS_REVOKED = "access.revoked"
    ACCESS_ENDED = "access.ended"
    GATEWAY_PUBLISHED = "gateway.published"
    GATEWAY_ROLLED_BACK = "gateway.rolled_back"
    RELEASE_STARTED = "release.started"
    RELEASE_PROMOTED = "release.promoted"
    RELEASE_TAKEN_BACK = "release.taken_back"
    API_DEPRECATED = "api.deprecated"
    API_RETIRED = "api.retired"
    OPERATION_DEPRECATED = "operation.deprecated"
    FEEDBACK_GIVEN = "feedback.given"
    WEBHOOK_DISABLED = "webhook.disabled"
    WEBHOOK_TEST = "webhook.test"


@dataclass(frozen=True, slots=True)
class Told:
    """What a kind means, and the members of its `data`."""

    meaning: str
    data: Mapping[str, str]


OPERATORS = frozenset(
    {
        EventKind.GATEWAY_PUBLISHED,
        EventKind.GATEWAY_ROLLED_BACK,
        EventKind.RELEASE_STARTED,
        EventKind.RELEASE_PROMOTED,
        EventKind.RELEASE_TAKEN_BACK,
        EventKind.FEEDBACK_GIVEN,
    }
)
"""Kinds about no organization: the operators' alone to know."""


_KEY = {
    "key": "the key's id",
    "kind": "`key`, or `basic` for a user name with a password",
    "name": "its name",
    "prefix": "its first characters, to recognise it by",
    "application": "whose it is, as `organization/application`",
    "expires_at": "when it ends by itself, or null",
}
_CLIENT = {
    "client": "the client's id",
    "name": "its name",
    "application": "whose it is, as `organization/application`",
}
_SUBSCRIPTION = {
    "subscription": "the subscription's id",
    "application": "who is subscribed, as `organization/application`",
    "plan": "to what, as `product/plan`",
    "is_suspended": "whether its calls are refused for now",
    "expires_at": "when it ends by itself, or null",
}
_APPLICATION = {
    "application": "its name, as `organization/application`",
    "is_suspended": "whether its calls are refused for now",
}
_ACCESS = {
    "access": "the request's id",
    "application": "who asks, as `organization/application`",
    "api": "the API whose data is asked for",
    "operation": "the operation's id, or empty for the whole API",
    "until": "when the grant ends or ended by itself, or null before one",
}
_QUOTA = {
    "subscription": "the subscription's id",
    "application": "who is subscribed, as `organization/application`",
    "plan": "to what, as `product/plan`",
    "gateway": "where the calls were made: each gateway counts for itself",
    "quota": "the limit as the plan writes it, like `1000/month`",
    "amount": "how many units it allows",
    "used": "how many were used when the gateway's nodes told of it",
    "window_starts_at": "when this window began",
    "window_ends_at": "when the next begins, with everything unused",
    "is_shadow": "whether the limit only watches and refuses nothing",
}
_PUBLISHED = {
    "gateway": "which gateway",
    "revision": "the revision that its nodes are to serve from now on",
    "revision_before": "the one before",
    "note": "why, in a few words",
    "versions": "what was published, changed or taken away, as `api@version`, at most 50",
}
_RELEASE = {
    "version": "the version that is released, as `api@version`",
    "percent": "its share of the calls, 0 to 100",
    "reason": "why it was taken back, where it was",
}

_ENDING = {
    "version": "the version, as `api@version`",
    "applications": "which of the organization's applications called it in the last 30 days, at"
    " most 50",
    "deprecated_at": "since when it is deprecated",
    "sunset_at": "when it ends or ended, or null",
}
_VERSION_ENDING = _ENDING | {
    "successor": "the version to go to, as `api@version`, or empty",
    "link": "a page about it, or empty",
}

TOLD: Mapping[EventKind, Told] = {
    EventKind.QUOTA_WARNING: Told("80 % of a subscription's quota are used.", _QUOTA),
    EventKind.QUOTA_EXHAUSTED: Told(
        "A subscription's quota is used up, or too little of it was left for a call that was"
        " refused for it.",
        _QUOTA,
    ),
    EventKind.KEY_CREATED: Told("A key or password was issued.", _KEY),
    EventKind.KEY_ROTATED: Told(
        "A key was replaced; it works until `expires_at`.",
        _KEY | {"replaced_by": "the id of the new one"},
    ),
    EventKind.KEY_REVOKED: Told("A key was stopped for good.", _KEY),
    EventKind.KEY_EXPIRING: Told("A key ends by itself within seven days.", _KEY),
    EventKind.CLIENT_CREATED: Told("An OAuth client was made.", _CLIENT),
    EventKind.CLIENT_ROTATED: Told("An OAuth client got a new secret.", _CLIENT),
    EventKind.CLIENT_REVOKED: Told("An OAuth client was stopped for good.", _CLIENT),
    EventKind.SUBSCRIPTION_CREATED: Told("An application subscribed to a plan.", _SUBSCRIPTION),
    EventKind.SUBSCRIPTION_CHANGED: Told(
        "A subscription has another plan, state or end.", _SUBSCRIPTION
    ),
    EventKind.SUBSCRIPTION_ENDED: Told("A subscription was cancelled.", _SUBSCRIPTION),
    EventKind.APPLICATION_CREATED: Told("An application was made.", _APPLICATION),
    EventKind.APPLICATION_CHANGED: Told("An application was changed.", _APPLICATION),
    EventKind.APPLICATION_DELETED: Told("An application was deleted.", _APPLICATION),
    EventKind.ACCESS_ASKED: Told("Somebody asks for access to sensitive data.", _ACCESS),
    EventKind.ACCESS_GRANTED: Told("Access to sensitive data is granted for a time.", _ACCESS),
    EventKind.ACCESS_REFUSED: Told("A request for sensitive data is refused.", _ACCESS),
    EventKind.ACCESS_WITHDRAWN: Told(
        "Those who asked for sensitive data need it no longer.", _ACCESS
    ),
    EventKind.ACCESS_ENDING: Told("A grant lapses within three days.", _ACCESS),
    EventKind.ACCESS_LAPSED: Told("A grant has reached its end.", _ACCESS),
    EventKind.ACCESS_REVOKED: Told("A grant was taken away before its end.", _ACCESS),
    EventKind.ACCESS_ENDED: Told(
        "A request or grant is over because a newer grant replaced it, or because the data is"
        " sensitive no longer.",
        _ACCESS,
    ),
    EventKind.GATEWAY_PUBLISHED: Told("A gateway is to serve another revision.", _PUBLISHED),
    EventKind.GATEWAY_ROLLED_BACK: Told("A gateway was taken back to a revision.", _PUBLISHED),
    EventKind.RELEASE_STARTED: Told("A version gets a share of the calls.", _RELEASE),
    EventKind.RELEASE_PROMOTED: Told("A released version has become the default.", _RELEASE),
    EventKind.RELEASE_TAKEN_BACK: Told(
        "A released version gets no calls any more, by hand or because its numbers were bad.",
        _RELEASE,
    ),
    EventKind.API_DEPRECATED: Told(
        "A version that the organization has called in the last 30 days will end, or what is said"
        " of its end has changed.",
        _VERSION_ENDING,
    ),
    EventKind.API_RETIRED: Told(
        "A version that the organization has called in the last 30 days answers 410 from now on.",
        _VERSION_ENDING,
    ),
    EventKind.OPERATION_DEPRECATED: Told(
        "An operation that the organization has called in the last 30 days will end.",
        _ENDING | {"operation": "the operation's id"},
    ),
    EventKind.FEEDBACK_GIVEN: Told(
        "A reader said whether a page of the portal was helpful.",
        {
            "feedback": "its id; what the reader wrote stands in the console",
            "page": "the page's address",
            "is_helpful": "whether it was",
        },
    ),
    EventKind.WEBHOOK_DISABLED: Told(
        "A webhook is sent nothing more: it failed for days, or answered 410.",
        {
            "webhook": "the webhook's id",
            "host": "the host that was called",
            "reason": "what happened",
            "failing_since": "since when every attempt failed, or null",
            "given_up": "how many deliveries will not be tried again",
        },
    ),
    EventKind.WEBHOOK_TEST: Told(
        "Somebody tries a webhook; only that one is sent it.",
        {"webhook": "the webhook's id"},
    ),
}
assert set(TOLD) == set(EventKind)  # noqa: S101  # a kind without its words is a bug of this module

_INTRODUCTION = """# Events

An event says what happened: written in the same transaction as the thing itself, so that neither
is there without the other, and never changed. See them with `headgate events` (`-f` follows),
read them at `/api/v1/events`, or have them sent: [webhooks](webhooks.md). An organization's token
sees what is about the organization; events about no organization (`gateway.*`, `release.*`,
`feedback.*`) are the operators'.

```json
{"id": "evt_7k3v9q2m4x0z", "type": "quota.warning", "timestamp": "2030-01-31T09:12:00.250000Z",
 "organization": "acme", "subject": "sub_7k3v9q2m4x0z", "data": {"used": 801, "amount": 1000}}
```
`organization` is null for the operators' own. `data` holds names, ids and numbers, never a
secret. New kinds and new members are added without notice; pass over what you do not know.

**How late?** What somebody does is an event at once. `quota.*` are made of the gateway's own
counters, which do not depend on the log: nodes tell of them every five seconds, so an event is
there within ten seconds while the control plane can be reached, and when it is reached again
otherwise. A node tells in steps of one percent of the quota divided by the nodes, so over several
nodes 80 % may be told up to one percent late; the end of a quota is exact. Each comes **once**
for each subscription, gateway and window, whatever is restarted or reported again. Quotas per
hour, day and month have events, those per minute none; what is reached in the last five seconds
of a window may go untold when the next window's first call comes before the report.
`key.expiring` comes up to ten minutes late, `access.ending` and `access.lapsed` a few seconds (the
gateways refuse from the very end on, whoever tells of it).

**How long?** 40 days, and at most 100,000 events: the oldest go first, and `headgate status` says
so while it happens. The [audit log](commands.md) keeps who changed what for 400 days.
"""


def page() -> str:
    """The documentation of all kinds, Markdown."""
    return "\n".join([_INTRODUCTION, *_sections()])


def _sections() -> Iterator[str]:
    for kind in EventKind:
        yield f"## {kind}\n{TOLD[kind].meaning}\n"
        yield "| `data` | meaning |\n|---|---|"
        yield from (f"| `{name}` | {meaning} |" for name, meaning in TOLD[kind].data.items())
        yield ""


if __name__ == "__main__":
    sys.stdout.write(page())
