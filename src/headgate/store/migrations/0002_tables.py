"""All other tables of the store. The rows of a first start are made by `store.setup`."""

from typing import Any

from django.db import migrations
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from headgate.store.migrations import _catalog, _consumers, _gateways, _people, _records
from headgate.store.migrations._replaced import PEOPLE, REPLACED


class CreateTables(Operation):
    """Tables in one step: Django renders their models once, not all of them anew for each.

    With sixty tables that name one another this is two thirds of the time of a first start's
    migrations.
    """

    def __init__(self, *tables: migrations.CreateModel) -> None:
        self.tables = tables

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        if "apps" in state.__dict__:
            del state.apps  # rendered again when it is asked for
        for table in self.tables:
            table.state_forwards(app_label, state)

    def database_forwards(self, app_label: str, *editor_and_states: Any) -> None:
        for table in self.tables:
            table.database_forwards(app_label, *editor_and_states)

    def database_backwards(self, app_label: str, *editor_and_states: Any) -> None:
        for table in reversed(self.tables):
            table.database_backwards(app_label, *editor_and_states)

    def describe(self) -> str:
        return f"Create {len(self.tables)} tables"


class Migration(migrations.Migration):
    initial = True
    dependencies = (("store", "0001_people"),)
    replaces = tuple(("store", name) for name in REPLACED if name != PEOPLE)

    operations = (
        CreateTables(
            *_catalog.TABLES,
            *_people.TABLES,
            *_consumers.TABLES,
            *_gateways.TABLES,
            *_records.TABLES,
        ),
    )
