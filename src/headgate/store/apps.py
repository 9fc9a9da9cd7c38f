"""How does Django know the store?"""

from django.apps import AppConfig


class StoreConfig(AppConfig):
    """The one Django application of Headgate: every table is in it."""

    name = "headgate.store"
    label = "store"
    default_auto_field = "django.db.models.BigAutoField"
