"""When is a release taken back? Conditions on the candidate's numbers, and mistakes in a release.

    error_ratio > 0.02
    latency_ms_p99 > 1.5x or error_ratio > 2x

`x` means "times the default version's number over the same time". Conditions are joined by `or`.
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from headgate.core.phrases import phrase
from headgate.core.problems import Detail
from headgate.gateway.release_by_application import application_mistake
from headgate.model.release import Release
from headgate.model.snapshot import Snapshot, SnapshotAPI

REQUESTS_MIN = 20  # of the candidate, before its numbers mean anything
CONDITIONS_MAX = 8
NUMBER_MAX = 1e9
HEADER_VALUE_CHARACTERS_MAX = 200
APPLICATIONS_MAX = 100  # of one release

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}


class Metric(StrEnum):
    """A number of one version over the time that a release has lasted."""

    ERROR_RATIO = "error_ratio"  # 5xx or no answer of the upstream, by requests; 0 to 1
    LATENCY_MS_MEAN = "latency_ms_mean"
    LATENCY_MS_P50 = "latency_ms_p50"
    LATENCY_MS_P95 = "latency_ms_p95"
    LATENCY_MS_P99 = "latency_ms_p99"


Measured = Mapping[Metric, float]
"""One version's numbers; a metric without requests is left out."""

_CONDITION = re.compile(r"\s*([a-z0-9_]+)\s*(>=|>|<=|<)\s*(\d+(?:\.\d+)?)(x?)\s*")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]{1,100}")


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison. `is_relative`: `number` times the default version's."""

    metric: Metric
    comparison: str
    number: float
    is_relative: bool

    def __str__(self) -> str:
        unit = "x" if self.is_relative else ""
        return f"{self.metric} {self.comparison} {self.number:g}{unit}"

    def is_met(self, candidate: Measured, stable: Measured) -> bool:
        """Whether it holds; never when a number that it needs is missing."""
        if self.metric not in candidate:
            return False
        if self.is_relative and self.metric not in stable:
            return False
        limit = self.number * (stable[self.metric] if self.is_relative else 1.0)
        return COMPARISONS[self.comparison](candidate[self.metric], limit)


def parse_conditions(text: str) -> tuple[Condition, ...]:
    """The conditions of a text; empty for an empty one.

    Raises:
        ValueError: not conditions; the message shows a right one.
    """
    if not text.strip():
        return ()
    parts = re.split(r"\s+or\s+", text.strip())
    if len(parts) > CONDITIONS_MAX:
        raise ValueError(phrase("these are more than {most} conditions", most=CONDITIONS_MAX))
    return tuple(_condition(part) for part in parts)


def reason_to_abort(
    conditions: Iterable[Condition], candidate: Measured, stable: Measured, *, requests: int
) -> str | None:
    """Why the release is to be taken back, or None; nothing is judged below `REQUESTS_MIN`."""
    if requests < REQUESTS_MIN:
        return None
    for condition in conditions:
        if condition.is_met(candidate, stable):
            return f"{condition} ({condition.metric} is {candidate[condition.metric]:.4g})"
    return None


def release_mistakes(snapshot: Snapshot) -> list[Detail]:
    """What is wrong with a snapshot's releases."""
    apis = {api.row: api for api in snapshot.apis}
    found: list[Detail] = []
    stables: set[int] = set()
    for index, release in enumerate(snapshot.releases):
        message = _mistake(release, apis, is_second=release.stable in stables)
        if not message and release.applications:
            message = application_mistake(
                apis[release.stable], apis[release.candidate], snapshot.policies
            )
        stables.add(release.stable)
        if message:
            found.append(Detail(message, f"/releases/{index}"))
    return found


def _condition(text: str) -> Condition:
    match = _CONDITION.fullmatch(text)
    if match is None or match[1] not in set(Metric):
        known = ", ".join(Metric)
        raise ValueError(
            phrase(
                "{given!r} is not a condition; write it like error_ratio > 0.02 or"
                " latency_ms_p99 > 1.5x (metrics: {known})",
                given=text.strip()[:60],
                known=known,
            )
        )
    if float(match[3]) > NUMBER_MAX:
        raise ValueError(phrase("{number} is more than {most:g}", number=match[3], most=NUMBER_MAX))
    return Condition(Metric(match[1]), match[2], float(match[3]), match[4] == "x")


def _mistake(release: Release, apis: Mapping[int, SnapshotAPI], *, is_second: bool) -> str:
    stable, candidate = apis.get(release.stable), apis.get(release.candidate)
    if stable is None or candidate is None:
        return "a release names a version that is not published"
    name = f"the release of {candidate.name} {candidate.version}"
    if is_second:
        return f"{name}: {stable.name} has two releases at once; end one"
    if not stable.is_default or candidate.is_default or stable.name != candidate.name:
        return f"{name} is not one of a further version of the same API"
    if stable.base_path != candidate.base_path:
        return f"{name}: its base path {candidate.base_path!r} is not {stable.base_path!r}"
    if not (0 <= release.percent <= 100 and 0 <= release.mirror_percent <= 100):
        return f"{name}: a percentage is 0 to 100"
    if len(release.applications) > APPLICATIONS_MAX:
        return f"{name}: more than {APPLICATIONS_MAX} applications"
    if bool(release.header) != bool(release.value) or not _is_header(release):
        return f"{name}: a header has a name and a value, like x-beta=1"
    return ""


def _is_header(release: Release) -> bool:
    if not release.header:
        return True
    is_value = len(release.value) <= HEADER_VALUE_CHARACTERS_MAX and release.value.isprintable()
    return _HEADER.fullmatch(release.header) is not None and is_value
