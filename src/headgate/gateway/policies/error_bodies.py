"""In which form does an API's caller read what the gateway itself answers?"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, ClassVar

from pydantic import Field

from headgate.gateway.error_bodies import ERRORS_WORD, ErrorBody, ErrorTexts
from headgate.gateway.policy import Policy, Stage, policies
from headgate.model.logline import METADATA_NAMESPACE
from headgate.model.snapshot import SnapshotAPI, SnapshotOperation

BODIES_MAX = 10


@policies.register("error_bodies")
class ErrorBodies(Policy):
    """Write the gateway's own answers in another form: JSON of yours, XML or text.

    The first body that fits the answer's status and problem is taken; where none does, it stays
    `application/problem+json`. Placeholders: `{{type}}`, `{{title}}`, `{{status}}`, `{{detail}}`,
    `{{next_step}}`, `{{request_id}}`, the members of the problem; their values are escaped for JSON
    or XML, so write them inside quotes or elements. Status and header fields stay. It holds for
    unknown paths below the API too. A HEAD request gets the fields without a body, a gRPC caller
    its status as always. The upstream's own errors, answers of `mock` and the list of what
    `validate` found wrong are passed on as they are. A gateway has at most 16 different sets;
    a request that is not refused pays nothing.

    Source: RFC 9457; Envoy, `LocalReplyConfig`.
    """

    stage: ClassVar[Stage] = Stage.EDGE
    order: ClassVar[int] = 90
    writes_errors: ClassVar[bool] = True
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

    def error_texts(self) -> ErrorTexts:
        digest = sha256(self.model_dump_json().encode()).hexdigest()
        return ErrorTexts(digest[:16], tuple(self.bodies))

    def route_metadata(
        self, api: SnapshotAPI, operation: SnapshotOperation
    ) -> Mapping[str, Mapping[str, Any]]:
        del api, operation
        return {METADATA_NAMESPACE: self.refusal_words()}

    def refusal_words(self) -> Mapping[str, str]:
        return {ERRORS_WORD: self.error_texts().key}
