"""Which headers are added to or taken from requests and answers?"""

import re
from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from headgate.core.phrases import phrase
from headgate.gateway.header_names import CREDENTIALS, header_error
from headgate.gateway.policy import HTTPFilter, Policy, Stage, policies
from headgate.gateway.secrets import names_secret

NAME = "envoy.filters.http.header_mutation"
TYPE = "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3."
CHANGES_MAX = 50  # per direction
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]{0,4096}")


class HeaderChanges(BaseModel):
    """Changes in one direction: `remove` first, then `set` (replaces), then `append`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    set: dict[str, str] = Field({}, description="Headers to set, whatever was there.")
    append: dict[str, str] = Field({}, description="Values to add beside those that are there.")
    remove: list[str] = Field([], description="Headers to take away.")

    @model_validator(mode="before")
    @classmethod
    def _hold_no_secret(cls, given: Any) -> Any:
        parts = [given.get(part) for part in ("set", "append")] if isinstance(given, dict) else []
        values = [item for part in parts if isinstance(part, dict) for item in part.items()]
        for name, value in values:
            if str(name).lower() in CREDENTIALS and not names_secret(value):
                raise ValueError(
                    phrase(
                        "the value of {name!r} is a secret: store it with"
                        " `headgate secret set NAME` and write"
                        " ${{secret:NAME}} here, as in `Bearer ${{secret:NAME}}`",
                        name=name,
                    )
                )
        return given

    @model_validator(mode="after")
    def _are_headers(self) -> "HeaderChanges":
        names = [*self.set, *self.append, *self.remove]
        if len(names) > CHANGES_MAX:
            raise ValueError(phrase("at most {most} changes", most=CHANGES_MAX))
        for error in filter(None, map(header_error, names)):
            raise ValueError(error)
        for name, value in (*self.set.items(), *self.append.items()):
            if _VALUE.fullmatch(value) is None:
                raise ValueError(phrase("the value of {name!r} is not that of a header", name=name))
        return self

    def mutations(self) -> list[dict[str, Any]]:
        """As Envoy's `HeaderMutation` messages."""
        return [
            *({"remove": name} for name in self.remove),
            *(_put(n, v, "OVERWRITE_IF_EXISTS_OR_ADD") for n, v in self.set.items()),
            *(_put(n, v, "APPEND_IF_EXISTS_OR_ADD") for n, v in self.append.items()),
        ]


@policies.register("headers")
class Headers(Policy):
    """Set, append and remove headers of requests (towards the upstream) and of answers.

    Values are literal text, in which `${secret:NAME}` stands for a stored secret; those of
    `Authorization`, `Proxy-Authorization`, `Cookie` and `X-API-Key` have to name one. Changes
    apply to admitted requests; changes of answers also to the gateway's refusals on the operation.
    Headers that the gateway depends on are refused.

    Source: Envoy, `envoy.extensions.filters.http.header_mutation.v3`; RFC 9110 §5.
    """

    stage: ClassVar[Stage] = Stage.TRAFFIC
    order: ClassVar[int] = 40
    example: ClassVar[dict[str, Any]] = {
        "request": {"set": {"X-Source": "gateway"}},
        "response": {"remove": ["X-Powered-By"]},
    }

    request: HeaderChanges = Field(HeaderChanges(), description="Changes of requests.")
    response: HeaderChanges = Field(HeaderChanges(), description="Changes of answers.")

    def filters(self) -> Iterable[HTTPFilter]:
        mutations = {
            "request_mutations": self.request.mutations(),
            "response_mutations": self.response.mutations(),
        }
        route = {"@type": TYPE + "HeaderMutationPerRoute", "mutations": mutations}
        return [HTTPFilter(NAME, {"@type": TYPE + "HeaderMutation"}, route)]


def _put(name: str, value: str, action: str) -> dict[str, Any]:
    """`%` begins a command in Envoy, `%%` is the sign itself."""
    header = {"key": name, "value": value.replace("%", "%%")}
    return {"append": {"header": header, "append_action": action}}
