"""A sentence with values reads as English, and can be said in another language."""

import copy
import pickle

from headgate.core.phrases import Phrase, from_data, phrase

GERMAN = {
    "There is no {subject} '{name}'.": "{subject} „{name}“ gibt es nicht.",
    "organization": "Organisation",
    "{error}.": "{error}!",
    "at most {most:,}": "höchstens {most:,}",
}


def german(words: str) -> str:
    return GERMAN.get(words, words)


def test_it_is_its_english_text() -> None:
    told = phrase("There is no {subject} '{name}'.", subject=phrase("organization"), name="a{b}")
    assert told == "There is no organization 'a{b}'."
    assert isinstance(told, str)


def test_words_and_phrases_in_it_are_translated_and_other_values_are_not() -> None:
    told = phrase(
        "There is no {subject} '{name}'.", subject=phrase("organization"), name="organization"
    )
    assert told.said(german) == "Organisation „organization“ gibt es nicht."


def test_what_an_error_says_is_translated_too() -> None:
    told = phrase("{error}.", error=ValueError(phrase("at most {most:,}", most=5000)))
    assert told == "at most 5,000."
    assert told.said(german) == "höchstens 5,000!"
    assert phrase("{error}.", error=ValueError("plain")).said(german) == "plain!"


def test_it_is_kept_as_json_and_comes_back() -> None:
    told = phrase("There is no {subject} '{name}'.", subject=phrase("organization"), name="x")
    again = from_data(told.as_data())
    assert again == told
    assert again.said(german) == told.said(german)


def test_copies_are_phrases_too() -> None:
    told = phrase("at most {most:,}", most=5)
    for again in (copy.deepcopy(told), pickle.loads(pickle.dumps(told))):  # our own
        assert isinstance(again, Phrase)
        assert again.said(german) == "höchstens 5"
