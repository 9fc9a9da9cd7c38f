"""What is changed in JSON bodies, towards the upstream and back?"""

from collections.abc import Iterable
from typing import Any, ClassVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

from headgate.core.phrases import phrase
from headgate.core.units import parse_bytes
from headgate.gateway.filter import JSON_MODULE_NAME
from headgate.gateway.policy import HTTPFilter, Policy, Stage, policies

NAME = "headgate.json_body"
TYPE = "type.googleapis.com/envoy.extensions.filters.http.dynamic_modules.v3."
TEXT = "type.googleapis.com/google.protobuf.StringValue"
MODULE = {"name": JSON_MODULE_NAME, "do_not_close": True}
BODY_BYTES_MAX = 1024**2  # what Envoy holds of one connection
CHANGES_MAX = 100
TOKENS_MAX = 16
VALUE_BYTES_MAX = 16 * 1024


def tokens(pointer: str) -> list[str]:
    """A JSON pointer taken apart, `*` standing for every element or member.

    Raises:
        ValueError: it is none. Source: RFC 6901 §3.
    """
    if not pointer.startswith("/") or pointer == "/":
        raise ValueError(
            phrase(
                "{pointer!r} is not a JSON pointer to a member; write it like /owner/email",
                pointer=pointer,
            )
        )
    found = pointer[1:].split("/")
    if len(found) > TOKENS_MAX:
        raise ValueError(
            phrase("{pointer!r} is deeper than {most}", pointer=pointer, most=TOKENS_MAX)
        )
    for token in found:
        if "~" in token.replace("~0", "").replace("~1", ""):
            raise ValueError(
                phrase("{pointer!r}: ~ is written ~0, and / inside a name ~1", pointer=pointer)
            )
    return [token.replace("~1", "/").replace("~0", "~") for token in found]


class BodyChanges(BaseModel):
    """Changes in one direction: `remove` first, then `rename`, then `set`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    remove: list[str] = Field(
        [], max_length=CHANGES_MAX, description="Pointers to what is taken away."
    )
    rename: dict[str, str] = Field(
        {}, max_length=CHANGES_MAX, description="Pointers to members and their new names."
    )
    set: dict[str, JsonValue] = Field(
        {}, max_length=CHANGES_MAX, description="Pointers to members and their new values."
    )

    @model_validator(mode="after")
    def _are_pointers(self) -> "BodyChanges":
        for pointer in (*self.remove, *self.rename, *self.set):
            tokens(pointer)
        for pointer in (*self.rename, *self.set):
            if tokens(pointer)[-1] == "*":
                raise ValueError(
                    phrase("{pointer!r} must end with the name of a member", pointer=pointer)
                )
        for name in self.rename.values():
            if not name or "*" in name:
                raise ValueError(phrase("{name!r} is not the new name of a member", name=name))
        for value in self.set.values():
            if len(orjson.dumps(value)) > VALUE_BYTES_MAX:
                raise ValueError(
                    phrase(
                        "a value that is set is larger than {most} KiB",
                        most=VALUE_BYTES_MAX // 1024,
                    )
                )
        return self

    def as_read(self) -> dict[str, Any]:
        """As `gateway/filter/json_rules.zig` reads it."""
        return {
            "remove": [tokens(pointer) for pointer in self.remove],
            "rename": [{"at": tokens(at), "to": to} for at, to in self.rename.items()],
            "set": [{"at": tokens(at), "value": value} for at, value in self.set.items()],
        }


@policies.register("json_body")
class JSONBody(Policy):
    """Take members out of JSON bodies, rename and set them, in requests and in answers.

    Members are named by JSON pointers, with `*` for every element of a list or member of an object:
    `/items/*/owner/email`. What a pointer does not find is left alone. Numbers keep their digits
    and members their order; the body is written anew, without spaces. Bodies of other content
    types pass as they are. A body is held until it is whole, so neither direction streams.

    Fails closed: a request that is no JSON, is compressed or too large gets 400, 415 or 413; an
    answer that is no JSON, is compressed although the gateway asked for it plain, is deeper than
    64 or too large is not given (502), so that what is to be hidden never comes through. An
    answer's `ETag` is taken away. What is cached is the upstream's own answer.

    Source: RFC 6901; RFC 8259.
    """

    stage: ClassVar[Stage] = Stage.TRAFFIC
    order: ClassVar[int] = 35  # inside of compression, outside of the cache
    example: ClassVar[dict[str, Any]] = {
        "response": {"remove": ["/items/*/internal"], "rename": {"/total": "count"}},
        "request": {"set": {"/source": "gateway"}},
    }

    request: BodyChanges = Field(BodyChanges(), description="Changes of requests.")
    response: BodyChanges = Field(BodyChanges(), description="Changes of answers.")
    body_max: str = Field("1MiB", description="The largest body that is changed, up to 1 MiB.")

    @field_validator("body_max", mode="before")
    @classmethod
    def _is_size(cls, value: object) -> str:
        text = str(value)
        if not 1 <= parse_bytes(text) <= BODY_BYTES_MAX:
            raise ValueError(phrase("the largest body is 1 byte to 1 MiB"))
        return text

    def filters(self) -> Iterable[HTTPFilter]:
        settings = {
            "body_bytes_max": parse_bytes(self.body_max),
            "request": self.request.as_read(),
            "response": self.response.as_read(),
        }
        value = {"@type": TEXT, "value": orjson.dumps(settings).decode()}
        chain = {
            "@type": TYPE + "DynamicModuleFilter",
            "dynamic_module_config": MODULE,
            "filter_name": "json_body",
        }
        route = {
            "@type": TYPE + "DynamicModuleFilterPerRoute",
            "dynamic_module_config": MODULE,
            "filter_config": value,
        }
        return [HTTPFilter(NAME, chain, route)]
