"""In which form does an API's caller read what the gateway itself answers?"""

from collections.abc import Iterable
from typing import Any, ClassVar

import orjson
from pydantic import Field

from headgate.gateway.error_bodies import ErrorBody
from headgate.gateway.filter import ERRORS_MODULE_NAME
from headgate.gateway.policy import HTTPFilter, Policy, Stage, policies

NAME = "headgate.error_bodies"
TYPE = "type.googleapis.com/envoy.extensions.filters.http.dynamic_modules.v3."
TEXT = "type.googleapis.com/google.protobuf.StringValue"
MODULE = {"name": ERRORS_MODULE_NAME, "do_not_close": True}
BODIES_MAX = 10
NEXT_TO_THE_UPSTREAM = 1000  # what compresses or changes bodies sees the text, not the problem


@policies.register("error_bodies")
class ErrorBodies(Policy):
    """Write the gateway's own answers in another form: JSON of yours, XML or text.

    The first body that fits the answer's status and problem is taken; where none does, it stays
    `application/problem+json`. Placeholders: `{{type}}`, `{{title}}`, `{{status}}`, `{{detail}}`,
    `{{next_step}}`, `{{request_id}}`, the members of the problem; their values are escaped for JSON
    or XML, so write them inside quotes or elements. Status and header fields stay. It holds for
    unknown paths below the API too. A HEAD request gets the fields without a body, with the content
    type of the first body that is for its status and any problem; a gRPC caller gets its status as
    always. The upstream's own errors, answers of `mock` and the list of what `validate` found wrong
    are passed on as they are. Fails open: what cannot be written stays the problem that it is.

    Source: RFC 9457.
    """

    stage: ClassVar[Stage] = Stage.EDGE
    order: ClassVar[int] = 90
    example: ClassVar[dict[str, Any]] = {
        "bodies": [
            {
                "content_type": "application/xml",
                "body": "<error><code>{{status}}</code><reason>{{detail}}</reason></error>",
            }
        ]
    }

    bodies: list[ErrorBody] = Field(
        ..., min_length=1, max_length=BODIES_MAX, description="The first that fits is taken."
    )

    def filters(self) -> Iterable[HTTPFilter]:
        settings = orjson.dumps({"bodies": [one.as_read() for one in self.bodies]})
        chain = {
            "@type": TYPE + "DynamicModuleFilter",
            "dynamic_module_config": MODULE,
            "filter_name": "error_bodies",
        }
        route = {
            "@type": TYPE + "DynamicModuleFilterPerRoute",
            "dynamic_module_config": MODULE,
            "filter_config": {"@type": TEXT, "value": settings.decode()},
        }
        return [
            HTTPFilter(
                NAME,
                chain,
                route,
                stage=Stage.TRAFFIC,
                order=NEXT_TO_THE_UPSTREAM,
                idle=None,
            )
        ]
