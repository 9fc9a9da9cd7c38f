"""What is a text that an API's callers read in place of a problem, and for which answers is it?"""

import json
import re
from typing import Any
from xml.etree import ElementTree as ET

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from headgate.core.phrases import phrase

BODY_CHARACTERS_MAX = 4096
MEMBERS = ("type", "title", "status", "detail", "next_step", "request_id")
PLACE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_CONTENT_TYPE = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+(; ?charset=utf-8)?")
_PROBLEM = re.compile(r"[a-z][a-z-]{0,39}")


class ErrorBody(BaseModel):
    """One text, and for which answers it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    statuses: list[int] = Field([], max_length=50, description="Statuses; empty: any.")
    problems: list[str] = Field([], max_length=50, description="Names of problems; empty: any.")
    content_type: str = Field(..., description="Such as application/xml.")
    body: str = Field(..., max_length=BODY_CHARACTERS_MAX, description="The text.")

    @field_validator("statuses")
    @classmethod
    def _are_errors(cls, statuses: list[int]) -> list[int]:
        if wrong := [one for one in statuses if not 400 <= one <= 599]:
            raise ValueError(phrase("{wrong} is not the status of an error", wrong=wrong[0]))
        return statuses

    @field_validator("problems")
    @classmethod
    def _are_names(cls, names: list[str]) -> list[str]:
        if wrong := [one for one in names if _PROBLEM.fullmatch(one) is None]:
            raise ValueError(
                phrase("{wrong!r} is not a problem's name, such as rate-limited", wrong=wrong[0])
            )
        return names

    @field_validator("content_type")
    @classmethod
    def _is_content_type(cls, value: str) -> str:
        if _CONTENT_TYPE.fullmatch(value) is None:
            raise ValueError(
                phrase("{value!r} is not a content type such as application/xml", value=value)
            )
        return value

    @model_validator(mode="after")
    def _can_be_written(self) -> "ErrorBody":
        if "${secret:" in self.body:
            raise ValueError(phrase("a secret cannot stand in what strangers read"))
        for name in PLACE.findall(self.body):
            if name not in MEMBERS:
                known = ", ".join(MEMBERS)
                raise ValueError(
                    phrase(
                        "there is no placeholder {name!r}; there are {known}",
                        name=name,
                        known=known,
                    )
                )
        sample = PLACE.sub("400", self.body)
        try:
            if self.form == "json":
                json.loads(sample)
            elif self.form == "xml":
                _check_xml(sample)
        except ValueError as error:
            raise ValueError(
                phrase("the body is not {form}: {error}", form=self.form.upper(), error=error)
            ) from error
        return self

    @property
    def form(self) -> str:
        """How values are escaped: `json`, `xml` or `text`."""
        if "json" in self.content_type:
            return "json"
        return "xml" if "xml" in self.content_type or "html" in self.content_type else "text"

    def as_read(self) -> dict[str, Any]:
        """As `gateway/filter/error_forms.zig` reads it: names stand between literals."""
        return {
            "statuses": self.statuses,
            "problems": self.problems,
            "content_type": self.content_type,
            "form": self.form,
            "parts": PLACE.split(self.body),
        }


def _check_xml(text: str) -> None:
    if "<!" in text:
        raise ValueError(phrase("declarations and comments are not taken"))
    try:
        ET.fromstring(text)  # noqa: S314  # without declarations nothing can be expanded
    except ET.ParseError as error:
        raise ValueError(str(error)) from error
