"""How is it said how well an API answers? The same on its card, its status page and its badge."""

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from headgate.core.problems import DependencyError
from headgate.store.models import APIVersion
from headgate.traffic.health import Health, Tally
from headgate.web.site.signed_in import origin

WORDS = {
    Health.GOOD: (gettext_lazy("works"), "good"),
    Health.DEGRADED: (gettext_lazy("some calls fail"), "warn"),
    Health.FAILING: (gettext_lazy("many calls fail"), "bad"),
    Health.UNKNOWN: (gettext_lazy("too few calls to say"), ""),
}


def words(found: Tally) -> tuple[str, str]:
    """How good it is, in words, and how that is shown."""
    name, kind = WORDS[found.health]
    return str(name), kind


def in_short(found: Tally) -> str:
    """The share of calls without failure, or that there are too few to say."""
    if found.health is Health.UNKNOWN or found.success_ratio is None:
        return _("no calls")
    return f"{found.success_ratio * 100:.2f} %"


def shown(version: APIVersion, request: HttpRequest) -> tuple[str, str] | None:
    """The last day for a card of the catalogue; None where nothing can be said."""
    from headgate.store.services.traffic import api_status  # as above

    try:
        day = api_status.lately(version, origin(request).at)
    except DependencyError:
        return None
    return None if day.health is Health.UNKNOWN else (in_short(day), words(day)[1])
