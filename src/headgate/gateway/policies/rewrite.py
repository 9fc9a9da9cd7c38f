"""What is the upstream asked, when it is not what the caller asks?"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from pydantic import Field, field_validator, model_validator

from headgate.core.phrases import phrase
from headgate.gateway.policy import HTTPFilter, OperationPath, Policy, Stage, policies
from headgate.gateway.routing import quoted
from headgate.gateway.values import PARAMETER, Value, pieces, takes_rest

NAME = "headgate.rewrite"
TYPE = "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3."
CHANGES_MAX = 20
PARAMETERS_MAX = 9  # that many groups an expression of Envoy's can name
COMMANDS = {
    "header": "%REQ({name}):4096%",
    "query": "%QUERY_PARAM({name}):4096%",
    "method": "%REQ(:METHOD)%",
    "host": "%REQ(:AUTHORITY)%",
    "request_id": "%REQ(X-REQUEST-ID)%",
}
_NAME = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_HEADER = re.compile(r"x-[a-z0-9-]{1,62}")
_TEXT = re.compile(r"[\x20-\x7e]{0,1000}")
_RESERVED = ("x-envoy-", "x-forwarded-", "x-request-id")


@policies.register("rewrite")
class Rewrite(Policy):
    """Ask the upstream for another path, with another query, and with headers from the request.

    `path` is a template below the upstream's own prefix and may use the parameters of the
    operation's path: `/v2/items/{id}`. Query changes are made in the order remove, set; what is
    set replaces. Values of `set_query` and `set_headers` are text with placeholders
    `{{header.x-tenant}}`, `{{query.page}}`, `{{method}}`, `{{host}}`, `{{request_id}}`; a value
    that the request does not carry is empty. The record keeps what the caller asked for.

    Source: Envoy, `RouteAction.regex_rewrite`, `envoy.extensions.filters.http.header_mutation.v3`.
    """

    stage: ClassVar[Stage] = Stage.TRAFFIC
    order: ClassVar[int] = 70
    attaches_to_gateway: ClassVar[bool] = False
    looks_at_operation: ClassVar[bool] = True
    example: ClassVar[dict[str, Any]] = {
        "path": "/v2/items/{id}",
        "set_query": {"source": "gateway"},
        "remove_query": ["debug"],
        "set_headers": {"X-Tenant": "{{query.tenant}}"},
    }

    path: str = Field("", max_length=1000, description="The path at the upstream; not set: as is.")
    remove_query: list[str] = Field([], max_length=CHANGES_MAX, description="Parameters to drop.")
    set_query: dict[str, str] = Field(
        {}, max_length=CHANGES_MAX, description="Parameters to set, by name."
    )
    set_headers: dict[str, str] = Field(
        {}, max_length=CHANGES_MAX, description="Headers to set, by name; they begin with X-."
    )

    @field_validator("path")
    @classmethod
    def _is_path(cls, path: str) -> str:
        segments = path.split("/")
        if path and (not path.startswith("/") or set("?#\\") & set(path) or ".." in segments):
            raise ValueError(
                phrase("{path!r} is not a path; write it like /v2/items/{{id}}", path=path)
            )
        return path

    @field_validator("set_headers")
    @classmethod
    def _are_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        lower = {name.lower(): value for name, value in headers.items()}
        for name in lower:
            if _HEADER.fullmatch(name) is None or name.startswith(_RESERVED):
                raise ValueError(
                    phrase(
                        "{name!r} cannot be set here; take a name that begins with X-", name=name
                    )
                )
        return lower

    @model_validator(mode="after")
    def _can_be_written(self) -> "Rewrite":
        for name in (*self.remove_query, *self.set_query):
            if _NAME.fullmatch(name) is None:
                raise ValueError(phrase("{name!r} is not the name of a query parameter", name=name))
        for text in (*self.set_query.values(), *self.set_headers.values()):
            if _TEXT.fullmatch(text) is None:
                raise ValueError(
                    phrase(
                        "{given!r} has characters that neither query nor header takes", given=text
                    )
                )
            for piece in pieces(text):
                if isinstance(piece, Value) and piece.source == "path":
                    raise ValueError(phrase("path.NAME can stand in `path` only, as {{NAME}}"))
                if isinstance(piece, Value) and piece.name and not _NAME.fullmatch(piece.name):
                    raise ValueError(
                        phrase("{name!r} is not a name that can be looked up", name=piece.name)
                    )
        return self

    def filters(self) -> Iterable[HTTPFilter]:
        if not self.remove_query and not self.set_query and not self.set_headers:
            return []
        mutations = {
            "query_parameter_mutations": [
                *({"remove": name} for name in self.remove_query),
                *(_parameter(name, text) for name, text in self.set_query.items()),
            ],
            "request_mutations": [_header(name, text) for name, text in self.set_headers.items()],
        }
        route = {"@type": TYPE + "HeaderMutationPerRoute", "mutations": mutations}
        return [HTTPFilter(NAME, {"@type": TYPE + "HeaderMutation"}, route)]

    def action(self, at: OperationPath) -> Mapping[str, Any]:
        if not self.path:
            return {}
        names = PARAMETER.findall(at.path)
        return {
            "prefix_rewrite": None,
            "regex_rewrite": {
                "pattern": {"regex": _captured(at.template)},
                "substitution": _substitution(at.upstream_prefix + self.path, names),
            },
        }

    def mistakes_at(self, at: OperationPath) -> list[str]:
        names = PARAMETER.findall(at.path)
        unknown = sorted(set(PARAMETER.findall(self.path)) - set(names))
        if self.path and len(names) > PARAMETERS_MAX:
            return [
                phrase(
                    "{path} has {number} parameters; a rewrite takes {most}",
                    path=at.path,
                    number=len(names),
                    most=PARAMETERS_MAX,
                )
            ]
        return [
            phrase("{path} has no parameter {name!r}", path=at.path, name=name) for name in unknown
        ]


def _captured(template: str) -> str:
    """An expression for whole paths, with a group per parameter."""
    parts = PARAMETER.split(template)
    made = [re.escape(quoted(text)) for text in parts]
    for index in range(1, len(parts), 2):
        made[index] = "(.+)" if takes_rest(parts[index]) else "([^/]+)"
    return f"^{''.join(made)}$"


def _substitution(path: str, names: list[str]) -> str:
    parts = PARAMETER.split(path)
    made = [quoted(text).replace("\\", "\\\\") for text in parts]
    for index in range(1, len(parts), 2):
        made[index] = f"\\{names.index(parts[index]) + 1}"
    return "".join(made)


def _formatted(text: str) -> str:
    """As Envoy's substitution format; `%` begins a command there."""
    return "".join(
        COMMANDS[one.source].format(name=one.name)
        if isinstance(one, Value)
        else one.replace("%", "%%")
        for one in pieces(text)
    )


def _parameter(name: str, text: str) -> dict[str, Any]:
    record = {"key": name, "value": _formatted(text)}
    return {"append": {"record": record, "action": "OVERWRITE_IF_EXISTS_OR_ADD"}}


def _header(name: str, text: str) -> dict[str, Any]:
    header = {"key": name, "value": _formatted(text)}
    return {"append": {"header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
