"""Do the sites speak every language that they offer, whole and with the same facts in it?"""

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.conf import settings

from headgate.web.locale.build import build
from headgate.web.locale.update import WEB, sentences, unsayable, untranslated, update

PLACEHOLDER = re.compile(r"%\([a-z_]+\)s|\{[a-z_]*(?:![rs])?(?::[^{}]+)?\}")
TAG = re.compile(r"</?[a-z]+[^>]*>")
FILES = {
    code: WEB / "locale" / code / "LC_MESSAGES" / "django.po"
    for code, _ in settings.LANGUAGES
    if code != settings.LANGUAGE_CODE
}


@pytest.mark.parametrize("language", sorted(FILES))
def test_every_sentence_has_words(language: str) -> None:
    missing = untranslated(FILES[language])
    assert missing == set(), "run: python -m headgate.web.locale.update, and find the words"


@pytest.mark.parametrize("language", sorted(FILES))
def test_nothing_is_kept_that_no_page_says(language: str) -> None:
    with FILES[language].open("rb") as file:
        known = {message.id for message in read_po(file) if message.id}
    plain = {one if isinstance(one, str) else one[0] for one in known}
    assert plain - sentences() == set()


@pytest.mark.parametrize("language", sorted(FILES))
def test_translations_hold_the_same_values_and_links(language: str) -> None:
    with FILES[language].open("rb") as file:
        messages = [message for message in read_po(file) if message.id and message.string]
    for message in messages:
        texts = [message.string] if isinstance(message.string, str) else message.string
        given = message.id if isinstance(message.id, str) else message.id[-1]
        for text in texts:
            assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(given)), given
            assert sorted(TAG.findall(text)) == sorted(TAG.findall(given)), given


def test_refusals_keep_their_words_apart_from_their_values() -> None:
    assert unsayable() == [], 'write phrase("There are {most} …", most=…) in place of an f-string'


def test_a_sentence_without_words_is_noticed_and_put_in_once(tmp_path: Path) -> None:
    po = tmp_path / "de" / "LC_MESSAGES" / "django.po"
    po.parent.mkdir(parents=True)
    po.write_text('msgid "gone"\nmsgstr "weg"\n')
    added, dropped = update(po, "de")
    assert (added, dropped) == (len(sentences()), 1)
    assert untranslated(po) == sentences()
    first = po.read_text()
    assert update(po, "de") == (0, 0)
    assert po.read_text() == first


def test_words_are_kept_and_compiled(tmp_path: Path) -> None:
    po = tmp_path / "de" / "LC_MESSAGES" / "django.po"
    po.parent.mkdir(parents=True)
    sentence = "Sign out"
    assert sentence in sentences()
    po.write_text(f'msgid "{sentence}"\nmsgstr "Abmelden – größer"\n')
    update(po, "de")
    (made,) = build(tmp_path)
    assert "Abmelden – größer".encode() in made.read_bytes()
    assert b"charset=utf-8" in made.read_bytes()
