"""How does the portal look, and what does it say beside APIs? One look, and pages of text."""

from django.db import models

from headgate.store.models.rows import NAME_CHARACTERS_MAX, TITLE_CHARACTERS_MAX, Row, live_unique

COLOUR_CHARACTERS = 7
MEDIA_TYPE_CHARACTERS_MAX = 32
TEXT_CHARACTERS_MAX = 50_000


class Branding(models.Model):
    """One row: the name, colour and logo of the portal. Empty: Headgate's own."""

    name = models.CharField(max_length=TITLE_CHARACTERS_MAX, blank=True)
    welcome = models.CharField(max_length=TEXT_CHARACTERS_MAX, blank=True)
    accent = models.CharField(max_length=COLOUR_CHARACTERS, blank=True)
    logo = models.BinaryField(default=b"")
    logo_type = models.CharField(max_length=MEDIA_TYPE_CHARACTERS_MAX, blank=True)


class TextPage(Row):
    """A page of the portal, in Markdown, at `/pages/<name>`; those with a position are linked."""

    name = models.CharField(max_length=NAME_CHARACTERS_MAX)
    title = models.CharField(max_length=TITLE_CHARACTERS_MAX)
    text = models.TextField(max_length=TEXT_CHARACTERS_MAX, blank=True)
    position = models.PositiveSmallIntegerField(default=1)

    class Meta:
        constraints = (live_unique("text_page_name", "name"),)
