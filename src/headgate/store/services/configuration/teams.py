"""How is a team read, made, changed and taken away as configuration?"""

from collections.abc import Iterator
from typing import ClassVar

from headgate.store.models import Team
from headgate.store.services.actor import Actor
from headgate.store.services.configuration.sources import Fields
from headgate.store.services.consumers import teams


class Teams:
    """Teams, named `organization/team`; who is in one is no configuration."""

    name: ClassVar[str] = "team"

    def present(self) -> Iterator[tuple[str, Fields]]:
        rows = Team.objects.filter(removed_at=None, organization__removed_at=None)
        for row in rows.select_related("organization").order_by("organization__name", "name"):
            yield row.path, {"title": row.title}

    def create(self, actor: Actor, name: str, fields: Fields) -> None:
        organization, _, team = name.partition("/")
        teams.create(actor, organization, name=team, title=fields.get("title", ""))

    def change(self, actor: Actor, name: str, fields: Fields) -> None:
        organization, _, team = name.partition("/")
        teams.update(actor, organization, team, title=fields["title"])

    def delete(self, actor: Actor, name: str) -> None:
        organization, _, team = name.partition("/")
        teams.delete(actor, organization, team)
