"""Is what pydantic says of a value a phrase in its own English words, for each that is listed?"""

from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from headgate.core.mistakes import SENTENCES, told
from headgate.core.phrases import Phrase, phrase


class Form(StrEnum):
    """One choice."""

    ONE = "one"


class Closed(BaseModel):
    """An `a`, and nothing else."""

    model_config = ConfigDict(extra="forbid")

    a: int


def _refuse(value: str) -> str:
    raise ValueError(phrase("{value} will not do", value=value))


Few, Many = Field(min_length=1, max_length=1), Field(min_length=2, max_length=2)
WRONG: list[tuple[Any, Any]] = [
    (bool, "perhaps"),
    (bool, []),
    (dict[str, str], 1),
    (Form, "two"),
    (Closed, {}),
    (Closed, {"a": 1, "b": 1}),
    (Annotated[float, Field(allow_inf_nan=False)], float("inf")),
    (float, "much"),
    (float, []),
    (Annotated[int, Field(gt=0)], 0),
    (Annotated[int, Field(ge=1)], 0),
    (int, 1.5),
    (int, "much"),
    (int, []),
    (Annotated[int, Field(lt=1)], 1),
    (Annotated[float, Field(le=1)], 2),
    (list[str], 1),
    (Literal["a", "b"], "c"),
    (Annotated[str, Field(pattern="^a$")], "b"),
    (Annotated[str, Few], "bb"),
    (Annotated[str, Few], ""),
    (Annotated[str, Many], "bbb"),
    (Annotated[str, Many], "b"),
    (str, 1),
    (Annotated[list[int], Few], [1, 2]),
    (Annotated[list[int], Few], []),
    (Annotated[list[int], Many], [1, 2, 3]),
    (Annotated[list[int], Many], [1]),
]


def _mistake(kind: Any, value: Any) -> Any:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    return caught.value.errors(include_url=False)[0]


def test_what_is_listed_is_what_pydantic_says() -> None:
    found = set()
    for kind, value in WRONG:
        mistake = _mistake(kind, value)
        said = told(mistake)
        assert said == mistake["msg"]
        assert isinstance(said, Phrase), said
        found.add(said.words)
    listed = {words for several in SENTENCES.values() for words in several}
    assert listed == found


def test_what_a_validator_of_ours_says_keeps_words_and_values_apart() -> None:
    said = told(_mistake(Annotated[str, AfterValidator(_refuse)], "this"))
    assert isinstance(said, Phrase)
    assert said.words == "{value} will not do"


def test_what_is_not_listed_stays_as_pydantic_says_it() -> None:
    mistake = _mistake(bytes, 1)
    assert told(mistake) == mistake["msg"]
    assert not isinstance(told(mistake), Phrase)


def test_an_error_of_others_in_a_validator_is_told_whole() -> None:
    mistake = _mistake(Annotated[str, AfterValidator(str.encode)], "\ud800")
    assert told(mistake) == str(mistake["ctx"]["error"])
    assert "surrogates not allowed" in told(mistake)
