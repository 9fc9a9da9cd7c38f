"""Who signs in, for whom, and what were they told? People, organizations, teams, mails."""

from django.conf import settings
from django.db import migrations, models

from headgate.store.migrations._rows import NUMBERED, ROW

TABLES = (
    migrations.CreateModel(
        name="Organization",
        fields=[
            *ROW,
            ("name", models.CharField(max_length=63)),
            ("title", models.CharField(blank=True, max_length=200)),
            ("is_suspended", models.BooleanField(default=False)),
        ],
        options={
            "indexes": [models.Index(fields=["name"], name="store_organization_by_name")],
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("removed_at", None)),
                    fields=("name",),
                    name="store_organization_name_live",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Membership",
        fields=[
            *ROW,
            (
                "organization",
                models.ForeignKey(
                    on_delete=models.CASCADE, related_name="memberships", to="store.organization"
                ),
            ),
            (
                "user",
                models.ForeignKey(
                    on_delete=models.CASCADE,
                    related_name="memberships",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("role", models.CharField(max_length=16)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("removed_at", None)),
                    fields=("organization", "user"),
                    name="store_membership_live",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Team",
        fields=[
            *ROW,
            (
                "organization",
                models.ForeignKey(
                    on_delete=models.CASCADE, related_name="teams", to="store.organization"
                ),
            ),
            ("name", models.CharField(max_length=63)),
            ("title", models.CharField(blank=True, max_length=200)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("removed_at", None)),
                    fields=("organization", "name"),
                    name="store_team_name_live",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="TeamPlace",
        fields=[
            *ROW,
            (
                "team",
                models.ForeignKey(on_delete=models.CASCADE, related_name="places", to="store.team"),
            ),
            (
                "membership",
                models.ForeignKey(
                    on_delete=models.CASCADE, related_name="places", to="store.membership"
                ),
            ),
            ("role", models.CharField(max_length=16)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("removed_at", None)),
                    fields=("team", "membership"),
                    name="store_team_place_live",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Invitation",
        fields=[
            *ROW,
            (
                "organization",
                models.ForeignKey(
                    on_delete=models.CASCADE, related_name="invitations", to="store.organization"
                ),
            ),
            ("email", models.EmailField(db_index=True, max_length=254)),
            ("role", models.CharField(max_length=16)),
            (
                "team",
                models.ForeignKey(
                    blank=True,
                    null=True,
                    on_delete=models.SET_NULL,
                    related_name="+",
                    to="store.team",
                ),
            ),
            (
                "invited_by",
                models.ForeignKey(
                    null=True,
                    on_delete=models.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("expires_at", models.DateTimeField()),
            ("accepted_at", models.DateTimeField(blank=True, null=True)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("accepted_at", None), ("removed_at", None)),
                    fields=("organization", "email"),
                    name="store_invitation_open",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Mail",
        fields=[
            *ROW,
            ("to", models.EmailField(max_length=254)),
            ("subject", models.CharField(max_length=200)),
            ("sealed", models.BinaryField(null=True)),
            ("tries", models.PositiveSmallIntegerField(default=0)),
            ("due_at", models.DateTimeField(db_index=True, null=True)),
            ("sent_at", models.DateTimeField(blank=True, null=True)),
            ("error", models.CharField(blank=True, max_length=200)),
        ],
    ),
    migrations.CreateModel(
        name="Feedback",
        fields=[
            ("row", models.BigAutoField(primary_key=True, serialize=False)),
            ("id", models.CharField(max_length=16, unique=True)),
            ("at", models.DateTimeField(db_index=True)),
            ("page", models.CharField(max_length=500)),
            ("title", models.CharField(max_length=200)),
            ("is_helpful", models.BooleanField()),
            ("text", models.CharField(blank=True, max_length=2000)),
            (
                "user",
                models.ForeignKey(
                    null=True,
                    on_delete=models.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("giver", models.CharField(blank=True, db_index=True, max_length=64)),
            ("done_at", models.DateTimeField(blank=True, null=True)),
            ("done_by", models.CharField(blank=True, max_length=254)),
        ],
    ),
    migrations.CreateModel(
        name="Try",
        fields=[
            *NUMBERED,
            ("name", models.CharField(max_length=64, unique=True)),
            ("value", models.JSONField()),
            ("ends_at", models.DateTimeField(db_index=True)),
        ],
    ),
    migrations.CreateModel(
        name="Branding",
        fields=[
            *NUMBERED,
            ("name", models.CharField(blank=True, max_length=200)),
            ("welcome", models.CharField(blank=True, max_length=50000)),
            ("accent", models.CharField(blank=True, max_length=7)),
            ("logo", models.BinaryField(default=b"")),
            ("logo_type", models.CharField(blank=True, max_length=32)),
        ],
    ),
    migrations.CreateModel(
        name="TextPage",
        fields=[
            *ROW,
            ("name", models.CharField(max_length=63)),
            ("title", models.CharField(max_length=200)),
            ("text", models.TextField(blank=True, max_length=50000)),
            ("position", models.PositiveSmallIntegerField(default=1)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("removed_at", None)),
                    fields=("name",),
                    name="store_text_page_name_live",
                )
            ],
        },
    ),
)
