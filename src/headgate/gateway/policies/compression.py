"""Are answers compressed for callers that take it?"""

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from pydantic import Field

from headgate.gateway.policy import HTTPFilter, Policy, Stage, policies

NAME = "envoy.filters.http.compressor"
TYPE = "type.googleapis.com/envoy.extensions.filters.http.compressor.v3."
LIBRARY = "type.googleapis.com/envoy.extensions.compression."
BODY_BYTES_MIN = 256  # below, the headers cost more than compression saves
CONTENT_TYPES = (
    "application/javascript",
    "application/json",
    "application/problem+json",
    "application/xml",
    "image/svg+xml",
    "text/css",
    "text/csv",
    "text/html",
    "text/plain",
    "text/xml",
)
Algorithm = Literal["gzip", "brotli", "zstd"]
CHOICE: dict[Algorithm, dict[str, Any]] = {
    "zstd": {"@type": LIBRARY + "zstd.compressor.v3.Zstd", "compression_level": 3},
    "brotli": {"@type": LIBRARY + "brotli.compressor.v3.Brotli", "quality": 4},
    "gzip": {
        "@type": LIBRARY + "gzip.compressor.v3.Gzip",
        "compression_level": "COMPRESSION_LEVEL_4",
    },
}
"""In the order we prefer; levels at which the CPU costs about what the network saves."""


@policies.register("compression")
class Compression(Policy):
    """Compress text answers with what `Accept-Encoding` names.

    Streams of events are left alone, and so is what the upstream has compressed. Answers that
    mix secrets with what a caller chose may leak lengths (BREACH): leave it off there.

    Source: RFC 9110 §12.5.3; Envoy, `envoy.extensions.filters.http.compressor.v3`.
    """

    stage: ClassVar[Stage] = Stage.TRAFFIC
    order: ClassVar[int] = 20
    example: ClassVar[dict[str, Any]] = {"algorithms": ["gzip", "brotli", "zstd"]}

    algorithms: list[Algorithm] = Field(
        ["gzip", "brotli", "zstd"], min_length=1, description="What the gateway may use."
    )

    def filters(self) -> Iterable[HTTPFilter]:
        return [_compressor(name) for name in CHOICE if name in self.algorithms]


def _compressor(algorithm: Algorithm) -> HTTPFilter:
    name = f"{NAME}.{algorithm}"
    chain = {
        "@type": TYPE + "Compressor",
        "compressor_library": {"name": algorithm, "typed_config": CHOICE[algorithm]},
        "choose_first": algorithm == next(iter(CHOICE)),
        "response_direction_config": {
            "common_config": {
                "min_content_length": BODY_BYTES_MIN,
                "content_type_matcher": [{"exact": kind} for kind in CONTENT_TYPES],
            },
        },
    }
    route = {
        "@type": TYPE + "CompressorPerRoute",
        "overrides": {"response_direction_config": {}},
    }
    idle = {"@type": TYPE + "CompressorPerRoute", "disabled": True}
    return HTTPFilter(name, chain, route, idle=idle)
