"""What would become of a request? The explanation of one that a gateway tried, like a recorded one.

For operators alone: it shows policies and upstreams, and can try any credential.
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass

from headgate.core.phrases import phrase
from headgate.core.problems import Problem, ProblemType
from headgate.gateway.policy import OperationPath, parse
from headgate.model.record import RequestRecord
from headgate.model.trial import Headers, TrialRequest, TrialResult
from headgate.store.models import APIVersion, Operation
from headgate.store.services.actor import Actor, Scope
from headgate.store.services.gateway import gateways, policies
from headgate.store.services.traffic import causes, explain
from headgate.store.services.traffic.explain import Step
from headgate.store.services.traffic.questions import SeenRequest, seen_record
from headgate.traffic.record import line_error, record_from

OF_THE_TRIAL = frozenset({"content-type", "content-length", "cache-control", "date", "connection"})
"""Fields of the last filter's answer that an upstream's own would have in their place."""
OF_THE_GATEWAY = frozenset(
    {"x-request-id", "x-forwarded-for", "x-forwarded-proto", "x-envoy-expected-rq-timeout-ms"}
)


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """What the upstream would get: path without query, names of header fields."""

    method: str
    path: str
    header_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a gateway found of a request, and why.

    `status` and `body` are the answer's as the caller would see it; None and empty where an
    upstream would give them. `headers` are those that the gateway would write.
    """

    seen: SeenRequest
    node: str
    summary: str
    next_step: str
    steps: tuple[Step, ...]
    status: int | None
    headers: Headers
    body: bytes
    upstream_request: UpstreamRequest | None


def check(actor: Actor, gateway: str) -> None:
    """Whether the actor may try requests at the gateway.

    Raises:
        Problem: FORBIDDEN without the scope `traffic`; NOT_FOUND: there is no such gateway, or
            the token is one of an organization.
    """
    actor.require_operator(Scope.TRAFFIC, "gateway")
    gateways.find(gateway)


def explained(actor: Actor, gateway: str, asked: TrialRequest, found: TrialResult) -> Trial:
    """The explanation of what a node found.

    Raises:
        Problem: UNAVAILABLE: the node's words make no sense.
    """
    if error := line_error(found.line):
        raise Problem(
            ProblemType.UNAVAILABLE,
            phrase("Node {node} gave no record of it: {error}.", node=found.node, error=error),
            "Give all parts of the installation the same version.",
        )
    seen = seen_record(actor, record_from(found.line, node=found.node, gateway=gateway))
    record = seen.record
    upstream = _upstream_request(actor, seen, found) if found.passed else None
    steps = list(_steps(actor, seen))
    if upstream is not None:
        steps.append(_passed(record, asked, upstream))
    words = _told(record) if found.passed else causes.in_words(record)
    return Trial(
        seen=seen,
        node=found.node,
        summary=words[0],
        next_step=words[1],
        steps=tuple(steps),
        status=None if found.passed else found.status,
        headers=tuple(
            one for one in found.headers if not (found.passed and one[0] in OF_THE_TRIAL)
        ),
        body=b"" if found.passed else base64.b64decode(found.body),
        upstream_request=upstream,
    )


def _told(record: RequestRecord) -> tuple[str, str]:
    where = f"{record.api} {record.version}"
    if record.observed:
        observed = record.observed.replace("_", " ")
        return f"The gateway would let it through to {where}, noting it as {observed}.", ""
    return f"The gateway would let it through to the upstream of {where}.", ""


def _steps(actor: Actor, seen: SeenRequest) -> Iterator[Step]:
    yield from (step for step in explain.steps_of(seen) if step.name != "answer")
    if seen.record.operation:
        yield from explain.policy_steps(actor, seen)


def _passed(record: RequestRecord, asked: TrialRequest, upstream: UpstreamRequest) -> Step:
    """Which upstream would be asked, and how the request would have changed on its way."""
    sent = {name.lower() for name, _ in asked.headers}
    added = [one for one in upstream.header_names if one not in sent | OF_THE_GATEWAY | {"host"}]
    removed = sorted(sent - {*upstream.header_names, "host"})
    words = [f"{_hosts(record)} would be asked for {upstream.method} {upstream.path}."]
    if added:
        words.append(f"Added: {', '.join(sorted(set(added)))}.")
    if removed:
        words.append(f"Taken away: {', '.join(removed)}.")
    return Step("upstream", "not asked", " ".join(words))


def _hosts(record: RequestRecord) -> str:
    row = APIVersion.objects.filter(
        api__name=record.api, name=record.version, removed_at=None
    ).first()
    if row is None:
        return "An upstream that is no longer configured"
    return " or ".join(f"{one.host}:{one.port}" for one in row.upstream.hosts)


def _upstream_request(actor: Actor, seen: SeenRequest, found: TrialResult) -> UpstreamRequest:
    first, *names = base64.b64decode(found.body).decode("utf-8", "replace").splitlines() or [""]
    method, _, path = first.partition(" ")
    return UpstreamRequest(method, _rewritten(actor, seen, path), tuple(names))


def _rewritten(actor: Actor, seen: SeenRequest, path: str) -> str:
    """The path as Envoy's router, which is not asked in a trial, would send it."""
    record = seen.record
    row = (
        Operation.objects.filter(
            version__api__name=record.api, version__name=record.version, id=record.operation
        )
        .select_related("version__api")
        .first()
    )
    if row is None:
        return path
    version = row.version
    prefix = version.upstream.path_prefix.rstrip("/")
    at = OperationPath(row.method, row.path, version.base_path, prefix)
    found = policies.effective_for(
        actor, version.path, row.id, gateway=record.gateway, plan=seen.plan
    )
    for one in found:
        rewrite = None if one.replaced_by else parse(one.use).action(at).get("regex_rewrite")
        if rewrite is not None:
            return re.sub(rewrite["pattern"]["regex"], rewrite["substitution"], path)
    return prefix + path.removeprefix(version.base_path)
