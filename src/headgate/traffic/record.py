"""Which record does a log line become? Said twice, in SQL and in Python, and held equal.

DuckDB runs `COLUMN_SQL` over millions of parsed lines. `record_from` says the same for one
line, so that the rules can be tested and read; a test runs both on the same lines.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from headgate.model.logline import (
    CALLER_IDS,
    LINE_FIELDS,
    SUBJECT_BYTES_MAX,
    LineType,
    route_words,
    words,
)
from headgate.model.record import RequestRecord, Verdict

STARTED_US_MAX = 4_102_444_800_000_000  # the year 2100: later is a wrong clock or a wrong field
STATUS_MAX = 999
ATTEMPTS_MAX = 1000
NUMBER_MAX = 10**12
"""Of microseconds (eleven days) and bytes (a terabyte): sums of millions of them fit 64 bits."""
ID_CHARACTERS = 16
NO_ID = "-" * ID_CHARACTERS
CALLER_CHARACTERS = ID_CHARACTERS * len(CALLER_IDS)
UPSTREAM_FLAGS = ("UH", "UF", "UO", "UT", "UC", "UR", "URX", "UPE", "UMSDR", "LR", "NC", "DF")
"""Envoy's response flags for which the upstream is to blame. Source: Envoy, RESPONSE_FLAGS."""
CLIENT_FLAGS = ("DC", "DR")
PROTOCOL_FLAGS = ("DPE", "IH")

TEXT_CHARACTERS_MAX: Mapping[str, int] = {
    "request_id": 128,
    "api": 200,
    "version": 200,
    "operation": 400,
    "method": 32,
    "path": 2048,
    "query": 2048,
    "subject": SUBJECT_BYTES_MAX,
    "response_flags": 64,
    "upstream_host": 128,
    "client_ip": 64,
    "user_agent": 512,
    "protocol": 16,
    "content_type": 128,
    "observed": 64,
    "limits": 600,  # of 16 limits, none of them longer than 37
}
"""Longer values are cut: a record is evidence of a request, not a copy of it."""

CSRF_REFUSED = "csrf_origin_mismatch"
FAULT_MADE = "fault_filter_abort"
OWN_SCRIPT = "lua_response"  # of the policy `maintenance` where the filter was not reached
CACHE_HIT = "cache_hit"
"""The details that the cache gives its answers (`gateway/filter/cache.zig`)."""

_TARGET = "substr(access, caller_ends + 1)"
_AFTER_QUESTION = f"coalesce(substr({_TARGET}, nullif(instr({_TARGET}, '?'), 0) + 1), '')"
_NONE = 1_000_000  # the place of a space that is not there: beyond any line


_HAS_SUBJECT = (
    f"caller_ends - verdict_ends - 1 > {CALLER_CHARACTERS + 1}"
    f" AND substr(access, verdict_ends + {CALLER_CHARACTERS + 1}, 1) = ':'"
)


def _space_sql(text: str) -> str:
    return f"coalesce(nullif(instr({text}, ' '), 0), {_NONE})"


_WORDS: Sequence[Mapping[str, str]] = (
    {
        "row_ends": _space_sql("route"),
        "verdict_ends": _space_sql("access"),
        "question_at": "instr(access, '?')",
        "limits_at": f"coalesce(nullif(instr(access, ';'), 0), {_NONE})",
    },
    {
        "api_ends": f"row_ends + {_space_sql('substr(route, row_ends + 1)')}",
        "caller_ends": f"verdict_ends + {_space_sql('substr(access, verdict_ends + 1)')}",
    },
    {
        "access_word": "coalesce(substr(access, 1, least(verdict_ends, limits_at) - 1), '')",
        "limits_word": "CASE WHEN limits_at < verdict_ends"
        " THEN substr(access, limits_at + 1, verdict_ends - limits_at - 1) ELSE '' END",
        "version_ends": f"api_ends + {_space_sql('substr(route, api_ends + 1)')}",
    },
    {
        "access_verdict": "CASE WHEN instr(access_word, '~') > 0"
        " THEN split_part(access_word, '~', 1) ELSE access_word END",
        "observed_word": "CASE WHEN coalesce(observed, '') NOT IN ('', '-') THEN observed"
        " WHEN instr(access_word, '~') > 0"
        " THEN substr(access_word, instr(access_word, '~') + 1) ELSE '' END",
        "id_characters": f"CASE WHEN caller_ends - verdict_ends - 1 = {CALLER_CHARACTERS}"
        f" OR {_HAS_SUBJECT} THEN {ID_CHARACTERS} ELSE 0 END",
        "access_subject": f"CASE WHEN {_HAS_SUBJECT} THEN substr(access, verdict_ends +"
        f" {CALLER_CHARACTERS + 2}, caller_ends - verdict_ends - {CALLER_CHARACTERS + 2})"
        " ELSE '' END",
        "route_api": "substr(route, row_ends + 1, api_ends - row_ends - 1)",
        "route_version": "substr(route, api_ends + 1, version_ends - api_ends - 1)",
        "route_operation": "substr(route, version_ends + 1)",
        "asked_path": "CASE WHEN access IS NULL OR caller_ends >= length(access) THEN path"
        " WHEN question_at = 0 THEN substr(access, caller_ends + 1)"
        " WHEN question_at < caller_ends THEN split_part(substr(access, caller_ends + 1), '?', 1)"
        " ELSE substr(access, caller_ends + 1, question_at - caller_ends - 1) END",
        "asked_query": "CASE WHEN question_at = 0 OR access IS NULL THEN ''"
        " WHEN question_at > caller_ends THEN substr(access, question_at + 1)"
        f" ELSE {_AFTER_QUESTION} END",
    },
)
"""Where `route` and `access` are cut, each step by the places that the one before has found.

`instr` and `substr` of a column that DuckDB knows to be ASCII take a quarter of `split_part`."""


def words_sql(source: str) -> str:
    """The lines of `source` and beside their fields the words of `route` and `access`."""
    for step in _WORDS:
        found = ", ".join(f"{expression} AS {name}" for name, expression in step.items())
        source = f"(SELECT *, {found} FROM {source})"  # noqa: S608  # our own words
    return source


_VALIDATORS = {
    "ext_authz_denied": Verdict.INVALID_REQUEST,
    "ext_authz_error": Verdict.VALIDATOR_DOWN,
}
"""Envoy's details where a validator refused, or none answered and the policy fails closed."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OWN_VERDICTS = tuple(v.value for v in Verdict if v is not Verdict.ALLOWED)


def _text_sql(column: str, value: str | None = None) -> str:
    return _cut_sql(value or column, TEXT_CHARACTERS_MAX[column])


def _key_sql(value: str, characters_max: int) -> str:
    """As `_text_sql`, for keys of the catalog: PostgreSQL stores no NUL."""
    text = _cut_sql(value, characters_max)
    return f"CASE WHEN contains({value}, chr(0)) THEN replace({text}, chr(0), '') ELSE {text} END"


def _cut_sql(value: str, characters_max: int) -> str:
    """Most values need nothing: bytes are never fewer than characters."""
    cut = f"left(coalesce(nullif({value}, '-'), ''), {characters_max})"
    return f"CASE WHEN strlen({value}) BETWEEN 2 AND {characters_max} THEN {value} ELSE {cut} END"


def _number_sql(field: str, upper: int = NUMBER_MAX) -> str:
    return f"least(greatest(coalesce({field}, 0), 0), {upper})"


def _flag_sql(flags: tuple[str, ...]) -> str:
    return f"list_has_any(string_split(flags, ','), {list(flags)!r})"


def _id_sql(name: str) -> str:
    first = CALLER_IDS.index(name) * ID_CHARACTERS + 1
    part = f"substr(access, verdict_ends + {first}, id_characters)"
    return f"coalesce(nullif({part}, '{NO_ID}'), '')"


VERDICT_SQL = f"""CASE
  WHEN access_verdict <> 'allowed' AND access_verdict IN {_OWN_VERDICTS!r} THEN access_verdict
  WHEN details = 'ext_authz_denied' THEN 'invalid_request'
  WHEN details = 'ext_authz_error' THEN 'validator_down'
  WHEN details LIKE 'rbac_access_denied%' OR details = '{CSRF_REFUSED}' THEN 'blocked'
  WHEN details = '{OWN_SCRIPT}' AND coalesce(nullif(access_verdict, '-'), '') = ''
    THEN 'maintenance'
  WHEN details = '{FAULT_MADE}' THEN 'fault'
  WHEN status IN (413, 431) AND coalesce(details, '') <> 'via_upstream' THEN 'too_large'
  WHEN flags IS NOT NULL AND {_flag_sql(PROTOCOL_FLAGS)} THEN 'malformed'
  WHEN flags IS NOT NULL AND {_flag_sql(UPSTREAM_FLAGS)} THEN 'upstream_failed'
  WHEN flags IS NOT NULL AND {_flag_sql(CLIENT_FLAGS)} THEN 'client_closed'
  WHEN details LIKE 'downstream%' THEN 'client_closed'
  WHEN access_verdict = 'allowed' OR details = 'via_upstream' THEN 'allowed'
  WHEN details = 'route_not_found' OR flags LIKE '%NR%' THEN 'no_route'
  WHEN status >= 500 THEN 'upstream_failed'
  WHEN status BETWEEN 100 AND 399 THEN 'allowed'
  ELSE 'malformed' END"""

COLUMN_SQL: Mapping[str, str] = {
    "started_at": "make_timestamp(started_us)",
    "request_id": _text_sql("request_id"),
    "api": _key_sql("route_api", TEXT_CHARACTERS_MAX["api"]),
    "version": _key_sql("route_version", TEXT_CHARACTERS_MAX["version"]),
    "operation": _key_sql("route_operation", TEXT_CHARACTERS_MAX["operation"]),
    "method": _text_sql("method"),
    "path": _text_sql("path", "asked_path"),
    "query": _text_sql("query", "asked_query"),
    "status": f"CAST({_number_sql('status', STATUS_MAX)} AS USMALLINT)",
    "verdict": VERDICT_SQL,
    "response_flags": _text_sql("response_flags", "flags"),
    "duration_us": _number_sql("duration_us"),
    "upstream_us": _number_sql("upstream_us"),
    "request_bytes": _number_sql("request_bytes"),
    "response_bytes": _number_sql("response_bytes"),
    "upstream_host": _text_sql("upstream_host"),
    "attempts": f"CAST({_number_sql('attempts', ATTEMPTS_MAX)} AS USMALLINT)",
    "cache": f"CASE WHEN details = '{CACHE_HIT}' THEN 'hit' ELSE '' END",
    "organization": _id_sql("organization"),
    "application": _id_sql("application"),
    "subscription": _id_sql("subscription"),
    "plan": _id_sql("plan"),
    "credential": _id_sql("credential"),
    "subject": _text_sql("subject", "access_subject"),
    "client_ip": _text_sql("client_ip"),
    "user_agent": _text_sql("user_agent"),
    "protocol": _text_sql("protocol"),
    "content_type": _text_sql("content_type"),
    "synthetic": "false",
    "observed": _text_sql("observed", "observed_word"),
    "limits": _text_sql("limits", "limits_word"),
}
"""Columns of a record from the fields of a line; `node` and `gateway` come from the segment."""

FILTER_VERDICT_SQL = _key_sql("access_verdict", 32)
"""The filter's own word, before Envoy's flags override it: what the filter has counted."""

INVALID_SQL = f"started_us IS NULL OR started_us <= 0 OR started_us >= {STARTED_US_MAX}"
"""True for a line that parsed but cannot be a record."""


def line_error(line: Mapping[str, object]) -> str | None:
    """Why a parsed line cannot be a record, or None.

    Integers may come as digits in a string; a text field takes any JSON value as its text.
    """
    for name, kind in LINE_FIELDS.items():
        if kind is LineType.INTEGER and (error := _integer_error(name, line.get(name))):
            return error
    started_us = _integer(line, "started_us", STARTED_US_MAX)
    if not 0 < started_us < STARTED_US_MAX:
        return "started_us is missing or no time between 1970 and 2100"
    return None


def record_from(line: Mapping[str, object], *, node: str, gateway: str) -> RequestRecord:
    """The record of one line that has no `line_error`."""
    api, version, operation = route_words(_raw(line, "route"))
    word, caller, target = words(_raw(line, "access"))
    word, _, limits = word.partition(";")
    verdict, _, shadow = word.partition("~")
    path, _, query = target.partition("?")
    texts = {
        "api": _known(api),
        "version": _known(version),
        "operation": _known(operation),
        "path": _known(path if target else _raw(line, "path")),
        "query": _known(query),
        "response_flags": _text(line, "flags"),
        "subject": _subject(caller),
        "observed": _text(line, "observed") or _known(shadow),
        "limits": _known(limits),
    }
    return RequestRecord(
        started_at=_EPOCH + timedelta(microseconds=_integer(line, "started_us", STARTED_US_MAX)),
        node=node,
        gateway=gateway,
        status=min(_integer(line, "status"), STATUS_MAX),
        verdict=verdict_of(
            filter_verdict=_known(verdict),
            status=_integer(line, "status"),
            flags=_text(line, "flags"),
            details=_text(line, "details"),
        ),
        duration_us=_integer(line, "duration_us"),
        upstream_us=_integer(line, "upstream_us"),
        request_bytes=_integer(line, "request_bytes"),
        response_bytes=_integer(line, "response_bytes"),
        attempts=min(_integer(line, "attempts"), ATTEMPTS_MAX),
        cache="hit" if _text(line, "details") == CACHE_HIT else "",
        synthetic=False,
        **_caller(caller),
        **{
            name: _kept(name, texts[name] if name in texts else _text(line, name))
            for name in TEXT_CHARACTERS_MAX
        },
    )


def verdict_of(*, filter_verdict: str, status: int, flags: str, details: str) -> Verdict:
    """What became of a request: the filter's refusal, or what Envoy says happened after it."""
    if filter_verdict in _OWN_VERDICTS:
        return Verdict(filter_verdict)
    if details == OWN_SCRIPT and not filter_verdict:
        return Verdict.MAINTENANCE
    if early := _envoy_refusal(status, frozenset(flags.split(",")), details):
        return early
    if filter_verdict == Verdict.ALLOWED or details == "via_upstream":
        return Verdict.ALLOWED
    if details == "route_not_found" or "NR" in flags:
        return Verdict.NO_ROUTE
    if status >= 500:
        return Verdict.UPSTREAM_FAILED
    return Verdict.ALLOWED if 100 <= status <= 399 else Verdict.MALFORMED


def _envoy_refusal(status: int, flags: frozenset[str], details: str) -> Verdict | None:
    if details.startswith("rbac_access_denied") or details == CSRF_REFUSED:
        return Verdict.BLOCKED
    if details in _VALIDATORS:
        return _VALIDATORS[details]
    if details == FAULT_MADE:
        return Verdict.FAULT
    if status in {413, 431} and details != "via_upstream":
        return Verdict.TOO_LARGE
    if not flags.isdisjoint(PROTOCOL_FLAGS):
        return Verdict.MALFORMED
    if not flags.isdisjoint(UPSTREAM_FLAGS):
        return Verdict.UPSTREAM_FAILED
    if not flags.isdisjoint(CLIENT_FLAGS) or details.startswith("downstream"):
        return Verdict.CLIENT_CLOSED
    return None


def _integer_error(name: str, value: object) -> str | None:
    if value is None or value == "-":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return None if abs(value) < 2**63 else f"{name} is too large"
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        return None
    return f"{name} is not an integer"


def _integer(line: Mapping[str, object], name: str, most: int = NUMBER_MAX) -> int:
    value = line.get(name)
    if value is None or value == "-":
        return 0
    return min(max(int(str(value)), 0), most)


def _raw(line: Mapping[str, object], name: str) -> str:
    value = line.get(name)
    return "" if value is None else str(value)


def _known(text: str) -> str:
    return "" if text == "-" else text


def _text(line: Mapping[str, object], name: str) -> str:
    return _known(_raw(line, name))


def _kept(name: str, text: str) -> str:
    cut = text[: TEXT_CHARACTERS_MAX[name]]
    return cut.replace("\0", "") if name in {"api", "version", "operation"} else cut


def _subject(caller: str) -> str:
    """What stands behind the ids and a colon."""
    has_subject = len(caller) > CALLER_CHARACTERS + 1 and caller[CALLER_CHARACTERS] == ":"
    return caller[CALLER_CHARACTERS + 1 :] if has_subject else ""


def _caller(text: str) -> dict[str, str]:
    if len(text) != CALLER_CHARACTERS and not _subject(text):
        return dict.fromkeys(CALLER_IDS, "")
    parts = (text[at : at + ID_CHARACTERS] for at in range(0, CALLER_CHARACTERS, ID_CHARACTERS))
    return {
        name: "" if part == NO_ID else part for name, part in zip(CALLER_IDS, parts, strict=True)
    }
