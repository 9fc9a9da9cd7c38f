"""What do callers read while an API is out of service on purpose?"""

from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import Field

from headgate.gateway.policy import HTTPFilter, Policy, Stage, policies
from headgate.model.logline import METADATA_NAMESPACE

NAME = "headgate.maintenance"
REASON = "maintenance"  # `envoy/envoy_answers.py` has its words
TYPE = "type.googleapis.com/envoy.extensions.filters.http.lua.v3."
RETRY_SECONDS_MAX = 30 * 24 * 3600
SCRIPT = f"""
function envoy_on_request(handle)
  local c = handle:filterContext()
  local told = handle:streamInfo():dynamicMetadata()
  told:set("{METADATA_NAMESPACE}", "reason", "{REASON}")
  told:set("{METADATA_NAMESPACE}", "detail", c:get("detail"))
  local headers = {{ [":status"] = c:get("status"), ["cache-control"] = "no-store" }}
  if c:get("retry_after") ~= "0" then headers["retry-after"] = c:get("retry_after") end
  handle:respond(headers, "")
end
"""


@policies.register("maintenance")
class Maintenance(Policy):
    """Answer every call with a status and a message, without the upstream.

    Before the key is looked at: nobody's limits are used, and unknown paths of the API are
    answered the same. Take the policy away and publish to end it. Records have the details
    `lua_response` and no caller.

    Source: RFC 9110 §15.6.4, §10.2.3.
    """

    stage: ClassVar[Stage] = Stage.EDGE
    order: ClassVar[int] = 12  # behind CORS: pages may read it
    example: ClassVar[dict[str, Any]] = {
        "message": "We move to a new house. Back at 8:00 UTC.",
        "retry_after_seconds": 1800,
    }

    message: str = Field(
        "The API is out of service for maintenance.",
        min_length=1,
        max_length=1000,
        description="What callers read as `detail`.",
    )
    status: int = Field(503, ge=400, le=599, description="The status of the answer.")
    retry_after_seconds: int = Field(
        300, ge=0, le=RETRY_SECONDS_MAX, description="`Retry-After`; 0 leaves it out."
    )

    def filters(self) -> Iterable[HTTPFilter]:
        context = {
            "status": str(self.status),
            "retry_after": str(self.retry_after_seconds),
            "detail": self.message,
        }
        chain = {"@type": TYPE + "Lua", "default_source_code": {"inline_string": SCRIPT}}
        route = {"@type": TYPE + "LuaPerRoute", "filter_context": context}
        return [HTTPFilter(NAME, chain, route)]
