"""How is what pydantic says of a value said in other languages? By the sentence that it is.

What is not listed here, or is worded otherwise by a later pydantic, stays English.

Source: pydantic, "Validation Errors" (the types and their contexts).
"""

from pydantic_core import ErrorDetails

from headgate.core.phrases import phrase, words_of

SENTENCES = {  # by type: those that it may be, in the order in which they are tried
    "bool_parsing": (words_of("Input should be a valid boolean, unable to interpret input"),),
    "bool_type": (words_of("Input should be a valid boolean"),),
    "dict_type": (words_of("Input should be a valid dictionary"),),
    "enum": (words_of("Input should be {expected}"),),
    "extra_forbidden": (words_of("Extra inputs are not permitted"),),
    "finite_number": (words_of("Input should be a finite number"),),
    "float_parsing": (
        words_of("Input should be a valid number, unable to parse string as a number"),
    ),
    "float_type": (words_of("Input should be a valid number"),),
    "greater_than": (words_of("Input should be greater than {gt}"),),
    "greater_than_equal": (words_of("Input should be greater than or equal to {ge}"),),
    "int_from_float": (
        words_of("Input should be a valid integer, got a number with a fractional part"),
    ),
    "int_parsing": (
        words_of("Input should be a valid integer, unable to parse string as an integer"),
    ),
    "int_type": (words_of("Input should be a valid integer"),),
    "less_than": (words_of("Input should be less than {lt}"),),
    "less_than_equal": (words_of("Input should be less than or equal to {le}"),),
    "list_type": (words_of("Input should be a valid list"),),
    "literal_error": (words_of("Input should be {expected}"),),
    "missing": (words_of("Field required"),),
    "string_pattern_mismatch": (words_of("String should match pattern '{pattern}'"),),
    "string_too_long": (
        words_of("String should have at most {max_length} characters"),
        words_of("String should have at most {max_length} character"),
    ),
    "string_too_short": (
        words_of("String should have at least {min_length} characters"),
        words_of("String should have at least {min_length} character"),
    ),
    "string_type": (words_of("Input should be a valid string"),),
    "too_long": (
        words_of(
            "{field_type} should have at most {max_length} items after validation,"
            " not {actual_length}"
        ),
        words_of(
            "{field_type} should have at most {max_length} item after validation,"
            " not {actual_length}"
        ),
    ),
    "too_short": (
        words_of(
            "{field_type} should have at least {min_length} items after validation,"
            " not {actual_length}"
        ),
        words_of(
            "{field_type} should have at least {min_length} item after validation,"
            " not {actual_length}"
        ),
    ),
}


def told(mistake: ErrorDetails) -> str:
    """What is wrong with one value; a phrase where the words are known."""
    context = mistake.get("ctx", {})
    if mistake["type"] == "value_error":  # raised by a validator of ours
        return reason(context["error"])
    for words in SENTENCES.get(mistake["type"], ()):
        made = phrase(words, **{name: _shown(value) for name, value in context.items()})
        if made == mistake["msg"]:
            return made
    return mistake["msg"]


def reason(error: ValueError) -> str:
    """What an error says: the phrase that it was raised with, if it was one.

    Errors of others may hold more than words: a text that is no UTF-8 has five arguments.
    """
    said = error.args[0] if len(error.args) == 1 else error
    return said if isinstance(said, str) else str(said)


def _shown(value: object) -> object:
    """A limit as pydantic writes it: 1 where the setting is of whole and broken numbers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
