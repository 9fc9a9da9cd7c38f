"""What does an operation answer while there is no upstream for it yet?"""

import re
from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import Field, field_validator, model_validator

from headgate.core.phrases import phrase
from headgate.gateway.policy import (
    AS_IT_STANDS,
    REFUSALS_FROM,
    HTTPFilter,
    OperationPath,
    Policy,
    Stage,
    policies,
)
from headgate.gateway.values import Value, lua_pattern, pieces, unknown_parameters

NAME = "headgate.mock"
TYPE = "type.googleapis.com/envoy.extensions.filters.http.lua.v3."
BODY_CHARACTERS_MAX = 64 * 1024
PLACEHOLDERS_MAX = 50
HEADERS_MAX = 20
BODILESS = frozenset({204, 304})
_HEADER = re.compile(r"[a-z0-9-]{1,64}")
_RESERVED = frozenset({"content-length", "transfer-encoding", "connection"})
_LITERAL = re.compile(r"[\t\x20-\x7e]{0,1000}")

SCRIPT = (
    r"""
local function decoded(s)
  if not s:find("%", 1, true) then return s end
  return (s:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end
local function readable(s)
  if not s:find("[\128-\255]") then return s end
  local x = "[\128-\191]"
  local rest = s
  local forms = {
    "[\194-\223]" .. x, "\224[\160-\191]" .. x, "[\225-\236\238\239]" .. x .. x,
    "\237[\128-\159]" .. x, "\240[\144-\191]" .. x .. x, "[\241-\243]" .. x .. x .. x,
    "\244[\128-\143]" .. x .. x,
  }
  for _, form in ipairs(forms) do rest = rest:gsub(form, ".") end
  if rest:find("[\128-\255]") then return (s:gsub("[\128-\255]", "?")) end
  return s
end
local function code(c) return string.format("\\u%04x", c:byte()) end
local names = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }
local escapes = {
  json = function(s) return (readable(s):gsub('[%c"\\\127]', code)) end,
  xml = function(s) return (readable(s):gsub("%c", " "):gsub("[&<>\"']", names)) end,
  text = function(s) return (readable(s):gsub("%c", " ")) end,
  header = function(s) return (s:gsub("[%c\127-\255]", "?")) end,
}

local sources = {
  method = function(headers) return headers:get(":method") end,
  host = function(headers) return headers:get(":authority") end,
  request_id = function(headers) return headers:get("x-request-id") end,
  header = function(headers, name) return headers:get(name) end,
  path = function(headers, name, context)
    local path = (headers:get(":path") or "/"):match("^[^?]*")
    local captured = { path:match(context:get("pattern") or "^$") }
    for i, known in ipairs(context:get("names") or {}) do
      if known == name then return decoded(captured[i] or "") end
    end
  end,
  query = function(headers, name)
    local query = (headers:get(":path") or "/"):match("%?(.*)$") or ""
    for one in query:gmatch("[^&]+") do
      local key, value = one:match("^([^=]*)=?(.*)$")
      if decoded(key) == name then return decoded((value:gsub("+", " "))) end
    end
  end,
}

local function written(handle, context, parts, escape)
  local made = {}
  for i, part in ipairs(parts) do
    if type(part) == "string" then
      made[i] = part
    else
      local value = sources[part["source"]](handle:headers(), part["name"], context)
      made[i] = escape(value or "")
    end
  end
  return table.concat(made)
end

function envoy_on_request(handle)
  local context = handle:filterContext()
  local status = context:get("status")
  local headers = { [":status"] = status, ["content-type"] = context:get("content_type") }
  for name, parts in pairs(context:get("headers") or {}) do
    headers[name] = written(handle, context, parts, escapes.header)
  end
  local body = written(handle, context, context:get("body") or {}, escapes[context:get("escape")])
"""
    f"""
  if tonumber(status) >= {REFUSALS_FROM} then
    handle:streamInfo():dynamicMetadata():set("headgate", "reason", "{AS_IT_STANDS}")
  end
  handle:respond(headers, body)
end
"""
)


@policies.register("mock")
class Mock(Policy):
    """Answer instead of the upstream: a fixed text, or one with values of the request in it.

    Placeholders in `body` and `headers`: `{{path.id}}` (a parameter of the operation's path),
    `{{query.page}}`, `{{header.x-tenant}}`, `{{method}}`, `{{host}}`, `{{request_id}}`; what a
    request does not carry is empty. Values are escaped for the content type (JSON strings, XML
    and HTML text), control characters and broken UTF-8 never come through, so a caller cannot
    change the answer's form; write placeholders inside quotes. Calls are admitted, counted and
    recorded as always.

    Source: Envoy, `envoy.extensions.filters.http.lua.v3`; RFC 8259 §7.
    """

    stage: ClassVar[Stage] = Stage.TRAFFIC
    order: ClassVar[int] = 60
    attaches_to_gateway: ClassVar[bool] = False
    looks_at_operation: ClassVar[bool] = True
    example: ClassVar[dict[str, Any]] = {
        "status": 200,
        "headers": {"X-Mock": "yes"},
        "body": '{"id": "{{path.id}}", "page": "{{query.page}}"}',
    }

    status: int = Field(200, ge=200, le=599, description="The status of the answer.")
    content_type: str = Field("application/json", description="Its content type.")
    headers: dict[str, str] = Field({}, max_length=HEADERS_MAX, description="Further headers.")
    body: str = Field("", max_length=BODY_CHARACTERS_MAX, description="Its body.")

    @field_validator("headers")
    @classmethod
    def _are_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        lower = {name.lower(): value for name, value in headers.items()}
        for name, value in lower.items():
            if _HEADER.fullmatch(name) is None or name in _RESERVED:
                raise ValueError(phrase("{name!r} is not a header that can be set", name=name))
            if _LITERAL.fullmatch(value) is None:
                raise ValueError(phrase("the value of {name!r} is not that of a header", name=name))
        return lower

    @field_validator("content_type")
    @classmethod
    def _is_content_type(cls, value: str) -> str:
        if re.fullmatch(r"[a-z0-9.+-]+/[a-z0-9.+-]+(; ?[a-zA-Z0-9=_.\"-]+)?", value) is None:
            raise ValueError(
                phrase("{value!r} is not a content type such as application/json", value=value)
            )
        return value

    @model_validator(mode="after")
    def _can_be_written(self) -> "Mock":
        texts = [self.body, *self.headers.values()]
        count = sum(isinstance(one, Value) for text in texts for one in pieces(text))
        if count > PLACEHOLDERS_MAX:
            raise ValueError(
                phrase("{count} placeholders; at most {most}", count=count, most=PLACEHOLDERS_MAX)
            )
        if self.status in BODILESS and self.body:
            raise ValueError(phrase("an answer of status {status} has no body", status=self.status))
        return self

    def filters(self) -> Iterable[HTTPFilter]:
        return [self._filter({})]

    def filters_at(self, at: OperationPath) -> Iterable[HTTPFilter]:
        pattern, names = lua_pattern(at.template)
        return [self._filter({"pattern": pattern, "names": names})]

    def mistakes_at(self, at: OperationPath) -> list[str]:
        texts = [self.body, *self.headers.values()]
        unknown = {name for text in texts for name in unknown_parameters(text, at.template)}
        return [
            phrase("{path} has no parameter {name!r}", path=at.template, name=name)
            for name in sorted(unknown)
        ]

    def _filter(self, path: dict[str, Any]) -> HTTPFilter:
        context = {
            "status": str(self.status),
            "content_type": self.content_type,
            "escape": self._escape,
            "headers": {name: _written(value) for name, value in self.headers.items()},
            "body": _written(self.body),
            **path,
        }
        chain = {"@type": TYPE + "Lua", "default_source_code": {"inline_string": SCRIPT}}
        idle = {"@type": TYPE + "LuaPerRoute", "disabled": True}
        route = {"@type": TYPE + "LuaPerRoute", "filter_context": context}
        return HTTPFilter(NAME, chain, route, idle=idle)

    @property
    def _escape(self) -> str:
        if "json" in self.content_type:
            return "json"
        return "xml" if "xml" in self.content_type or "html" in self.content_type else "text"


def _written(text: str) -> list[Any]:
    return [
        {"source": one.source, "name": one.name} if isinstance(one, Value) else one
        for one in pieces(text)
    ]
