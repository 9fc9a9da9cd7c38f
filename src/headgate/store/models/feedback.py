"""What do readers say of the portal's pages?"""

from django.db import models
from django.db.models import SET_NULL

from headgate.store.models.people import User
from headgate.store.models.rows import ID_CHARACTERS, TITLE_CHARACTERS_MAX

PAGE_CHARACTERS_MAX = 500
FEEDBACK_CHARACTERS_MAX = 2_000
GIVER_CHARACTERS = 64


class Feedback(models.Model):
    """One answer to "Was this helpful?".

    `page` is an address of the portal, `title` what it showed.
    `giver` is a keyed digest of who answered, by which a second answer on the same page takes the
    place of the first; emptied after a day. `user`: the person, where one was signed in.
    """

    row = models.BigAutoField(primary_key=True)
    id = models.CharField(max_length=ID_CHARACTERS, unique=True)
    at = models.DateTimeField(db_index=True)
    page = models.CharField(max_length=PAGE_CHARACTERS_MAX)
    title = models.CharField(max_length=TITLE_CHARACTERS_MAX)
    is_helpful = models.BooleanField()
    text = models.CharField(max_length=FEEDBACK_CHARACTERS_MAX, blank=True)
    user = models.ForeignKey(User, on_delete=SET_NULL, null=True, related_name="+")
    giver = models.CharField(max_length=GIVER_CHARACTERS, blank=True, db_index=True)
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.CharField(max_length=254, blank=True)
