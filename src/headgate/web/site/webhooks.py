"""What do both sites say of webhooks? The form, the states, the events, and what was answered."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from headgate.alerts.webhooks import DeliveryState
from headgate.model.events import TOLD, EventKind
from headgate.store.models import Delivery, Webhook
from headgate.web.site.forms import SiteForm


class WebhookForm(SiteForm):
    """Where events are sent, and which."""

    url = forms.CharField(
        label=gettext_lazy("Address"),
        help_text=gettext_lazy("https://… of a server of yours, which answers 2xx."),
        widget=forms.URLInput(attrs={"class": "code", "autocomplete": "off"}),
    )
    description = forms.CharField(label=gettext_lazy("Description"), required=False)
    types = forms.MultipleChoiceField(
        label=gettext_lazy("Events"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None chosen: all, also those that are added later."),
    )

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.offer("types", ((kind.value, f"{kind.value}: {meaning(kind)}") for kind in EventKind))


def chosen(values: Iterable[str]) -> list[EventKind]:
    """The kinds that a form names."""
    return [EventKind(value) for value in values]


def meaning(kind: str) -> str:
    """What an event of a kind tells."""
    return _(TOLD[EventKind(kind)].meaning)


def state(webhook: Webhook) -> tuple[str, str]:
    """The badge of a webhook."""
    if webhook.disabled_at is not None:
        return (_("stopped"), "bad") if webhook.failing_since else (_("paused"), "")
    return (_("fails"), "warn") if webhook.failing_since else (_("active"), "good")


def delivery_states() -> dict[DeliveryState, tuple[str, str]]:
    """The badge of each state of a delivery."""
    return {
        DeliveryState.WAITING: (_("waits"), "info"),
        DeliveryState.DELIVERED: (_("delivered"), "good"),
        DeliveryState.GIVEN_UP: (_("given up"), "bad"),
    }


def delivery_state(delivery: Delivery) -> tuple[str, str]:
    """The badge of a delivery."""
    return delivery_states()[DeliveryState(delivery.state)]


def last_answer(delivery: Delivery) -> str:
    """What came of the last attempt, in a word."""
    if not delivery.attempts:
        return _("not tried yet")
    last = delivery.attempts[-1]
    return str(last["status"] or last["error"])
