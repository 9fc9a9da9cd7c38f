"""Which judge answers which question? The loaded contracts, and what was counted.

Fails as the API says: what cannot be answered is answered 503, on which Envoy lets the request
pass or not. A mistake of ours in one judge is logged and is such an answer, and ends nothing.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import jsonschema_rs
import orjson

from headgate.core.problems import TYPE_PREFIX
from headgate.gateway.validation.judge import OperationJudge
from headgate.gateway.validation.mistakes import Misfit, Mistake
from headgate.model.contract import Contract, contract_from
from headgate.model.validation import (
    ASK_HEADER,
    EXAMPLE_CHARACTERS_MAX,
    FINDING_HEADER,
    OBSERVE,
    PARTIAL_HEADER,
    REFUSE_UNKNOWN,
    REQUEST_ID_HEADER,
    STATUS_HEADER,
)

FITS = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
LET_PASS = (
    f"HTTP/1.1 200 OK\r\n{FINDING_HEADER}: invalid_request\r\ncontent-length: 0\r\n\r\n".encode()
)
CANNOT_SAY = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
PHRASES = {400: "Bad Request", 413: "Content Too Large", 415: "Unsupported Media Type"}
TRIAL_TYPE = "application/x-headgate-trial"  # of `gateway/filter/trial.zig`
QUESTIONS_KEPT_MAX = 100_000  # as many as a gateway may have operations
TOO_LARGE = Misfit(413, (Mistake("the body is larger than what is checked"),))

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Reading:
    """Counters of one operation; they begin at 0 with the process."""

    row: int
    requests: int = 0
    invalid_requests: int = 0
    responses: int = 0
    invalid_responses: int = 0
    example: str = ""


@dataclass(frozen=True, slots=True)
class _Question:
    judge: OperationJudge
    reading: Reading
    is_observing: bool
    refuses_unknown: bool


class Desk:
    """Answers questions. `folder` holds contracts as `<id>.json`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._types = TYPE_PREFIX
        self._judges: dict[str, dict[int, OperationJudge]] = {}
        self._readings: dict[int, Reading] = {}
        self._questions: dict[str, _Question] = {}
        self._keeping = asyncio.Lock()  # of two orders the later one holds

    async def keep(self, ids: Iterable[str], *, types: str = TYPE_PREFIX) -> None:
        """Know exactly these contracts. Others are answered meanwhile.

        `types` is what the `type` of a refusal begins with.

        Raises:
            OSError, ValueError: one is not in the folder, or is none; the others are known.
        """
        async with self._keeping:
            self._types = types
            await self._keep(dict.fromkeys(ids))

    async def _keep(self, wanted: dict[str, None]) -> None:
        failed: Exception | None = None
        for name in wanted:
            if name in self._judges:
                continue
            try:
                contract = contract_from((self._folder / f"{name}.json").read_bytes())
                self._judges[name] = await _compiled(contract)
            except (OSError, ValueError) as error:
                failed = error
        for name in self._judges.keys() - wanted.keys():
            del self._judges[name]
        self._questions.clear()
        if failed is not None:
            raise failed

    async def keep_all(self) -> None:
        """Know every contract of the folder; damaged ones are left out."""
        try:
            await self.keep(path.stem for path in self._folder.glob("*.json"))
        except (OSError, ValueError) as error:
            _log.warning("a contract cannot be read: %s", error)

    def readings(self) -> bytes:
        """The counters, as JSON."""
        return orjson.dumps(list(self._readings.values()))

    def answer(
        self, method: bytes, target: bytes, headers: Mapping[str, str], body: bytes
    ) -> bytes:
        """The whole HTTP answer to what Envoy asks."""
        question = self._question(headers.get(ASK_HEADER, ""))
        if question is None:
            return CANNOT_SAY
        try:
            status = headers.get(STATUS_HEADER)
            if status is not None:
                _note_response(question, int(status), headers, body, self._types)
                return FITS
            return _judged(question, method, target, headers, body, self._types)
        except Exception:  # noqa: BLE001  # a mistake in one judge must not stop the others
            _log.exception("a call cannot be judged: operation %d", question.judge.row)
            return CANNOT_SAY

    def _question(self, asked: str) -> _Question | None:
        found = self._questions.get(asked)
        if found is not None:
            return found
        name, _, rest = asked.partition(".")
        row, _, flags = rest.partition(".")
        judge = self._judges.get(name, {}).get(int(row)) if row.isdecimal() else None
        if judge is None:
            return None
        reading = self._readings.setdefault(judge.row, Reading(judge.row))
        if len(self._questions) >= QUESTIONS_KEPT_MAX:
            self._questions.clear()
        found = _Question(judge, reading, OBSERVE in flags, REFUSE_UNKNOWN in flags)
        self._questions[asked] = found
        return found


def _judged(
    question: _Question,
    method: bytes,
    target: bytes,
    headers: Mapping[str, str],
    body: bytes,
    types: str,
) -> bytes:
    reading = question.reading
    reading.requests += 1
    if headers.get(PARTIAL_HEADER) == "true":
        misfit: Misfit | None = TOO_LARGE
    else:
        misfit = question.judge.request(
            target.decode("utf-8", "surrogateescape"),
            headers,
            body,
            refuses_unknown=question.refuses_unknown,
        )
    if misfit is None:
        return FITS
    reading.invalid_requests += 1
    return LET_PASS if question.is_observing else _refusal(misfit, method, headers, types)


def _refusal(misfit: Misfit, method: bytes, headers: Mapping[str, str], types: str) -> bytes:
    request_id = headers.get(REQUEST_ID_HEADER, "")
    problem = b"" if method == b"HEAD" else misfit.as_json(request_id, types)
    accepts = "accept-encoding: identity\r\n" if misfit.status == 415 else ""  # RFC 9110 §12.5.3
    head = (
        f"HTTP/1.1 {misfit.status} {PHRASES[misfit.status]}\r\n"
        f"content-type: application/problem+json\r\n{accepts}content-length: {len(problem)}\r\n\r\n"
    )
    return head.encode() + problem


def _note_response(
    question: _Question, status: int, headers: Mapping[str, str], body: bytes, types: str
) -> None:
    """Count a sampled answer, unless the upstream compressed it; what the gateway itself refused
    is none of the API's."""
    if headers.get("content-encoding", "identity") != "identity":
        return
    content_type = headers.get("content-type", "")
    if content_type == TRIAL_TYPE:  # nor is what stands in for the upstream in a trial
        return
    is_problem = content_type.startswith("application/problem+json")
    if is_problem and f'"{types}'.encode() in body:
        return
    reading = question.reading
    reading.responses += 1
    misfit = question.judge.response(status, headers, body)
    if misfit is not None:
        reading.invalid_responses += 1
        first = misfit.mistakes[0]
        words = f"{status} {first.pointer or '/'}: {first.message}"
        reading.example = words[:EXAMPLE_CHARACTERS_MAX]


async def _compiled(contract: Contract) -> dict[int, OperationJudge]:
    """The judges of a contract, each compiled alone so that questions in between are answered.

    Raises:
        ValueError: a schema is none.
    """
    found: dict[int, OperationJudge] = {}
    for operation in contract.operations:
        try:
            found[operation.row] = OperationJudge(operation, contract.schemas)
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
            raise ValueError(f"{operation.method} {operation.path}: {error}") from error
        await asyncio.sleep(0)
    return found
