"""Who is told by mail that a version or an operation ends? Those whose applications call it.

They are the owners and developers of the organizations that `lifecycle_notices` finds in the
records; the mails are queued in the transaction of its event, so nobody is told twice.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from headgate.model.events import EventKind
from headgate.store.models import Application, Organization
from headgate.store.services.actor import Actor
from headgate.store.services.alerts import notices
from headgate.store.services.alerts.mail_choices import MailKind

LISTED_MAX = 20  # applications in one mail; it says how many more there are


def tell(
    actor: Actor,
    kind: EventKind,
    organization: Organization,
    applications: Sequence[str],
    data: Mapping[str, Any],
) -> None:
    """Queue the mails of one event about an end: `data` is its, `applications` are paths."""
    names = [path.rpartition("/")[2] for path in applications]
    rows = organization.applications.filter(name__in=names, removed_at=None)
    rows = rows.select_related("organization").order_by("name")
    for user, theirs in notices.recipients(organization, rows):
        with translation.override(notices.language_of(user)):
            lines = [
                _told(kind) % _names(data),
                "" if kind is EventKind.API_RETIRED else _until(data),
                _("These applications of yours have called it lately:"),
                "\n".join(_listed(theirs)),
                *_onwards(data),
            ]
            notices.tell(actor, user, MailKind.API_ENDINGS, _told(kind) % _names(data), lines)


def _told(kind: EventKind) -> str:
    if kind is EventKind.API_RETIRED:
        return _("%(what)s is retired")
    return _("%(what)s is deprecated")


def _names(data: Mapping[str, Any]) -> dict[str, str]:
    operation = data.get("operation")
    version = str(data["version"])
    return {"what": f"{operation} ({version})" if operation else version}


def _until(data: Mapping[str, Any]) -> str:
    sunset_at = data.get("sunset_at")
    if not sunset_at:
        return ""
    return _("It answers until %(day)s (UTC), and is refused from then on.") % {
        "day": str(sunset_at)[:16].replace("T", " ")
    }


def _listed(applications: Sequence[Application]) -> list[str]:
    lines = [f"- {row.path}" for row in applications[:LISTED_MAX]]
    if len(applications) > LISTED_MAX:
        lines.append(_("- and %(number)s more") % {"number": len(applications) - LISTED_MAX})
    return lines


def _onwards(data: Mapping[str, Any]) -> list[str]:
    found = []
    if successor := data.get("successor"):
        found += [_("Use %(successor)s in its place:") % {"successor": successor}]
        found += [notices.address(f"/apis/{successor}")]
    if link := data.get("link"):
        found += [_("What to do: %(link)s") % {"link": link}]
    return found
