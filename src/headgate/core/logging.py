"""How do our processes log? Structured lines on standard error, never with a secret in them.

Every process calls `configure` once at its start; everything else calls
`structlog.get_logger()` and passes values by name. The standard library's loggers (Django,
uvicorn, httpx2) end in the same lines.
"""

import logging
import os
import re
import sys
from collections.abc import Mapping
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

LogFormat = Literal["console", "json"]
REDACTED = "[redacted]"

_SECRET = re.compile(r"\b(hg[trs]?_|eyJ)[\w.-]{8,}")  # keys, tokens, secrets of ours, and JWTs
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}")
_SECRET_NAMES = frozenset(
    {"key", "secret", "password", "token", "authorization", "cookie", "x-api-key", "secret_key"}
)
_NOISY = ("httpx2", "httpcore2", "asyncio")  # one line per request of ours helps nobody


def redact(value: Any) -> Any:
    """`value` with everything that looks like a key or a token taken out, at any depth.

    Values named like a secret are replaced whole. Anything that is not a string, mapping,
    list or tuple is left as it is.
    """
    if isinstance(value, str):
        return _BEARER.sub(rf"\1 {REDACTED}", _SECRET.sub(rf"\1{REDACTED}", value))
    if isinstance(value, bytes):
        return redact(value.decode("utf-8", "replace"))
    if isinstance(value, Mapping):
        return {name: _redact_named(str(name), item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact(item) for item in value]
    if isinstance(value, BaseException):
        return redact(f"{type(value).__name__}: {value}")
    return value


def configure(
    log_format: LogFormat = "console", *, level: str = "", stream: TextIO | None = None
) -> None:
    """Send all logs of this process to `stream` (standard error) in one format.

    `level` empty means HEADGATE_LOG_LEVEL, by default info. Calling it again replaces the
    set-up. Times are UTC, ISO 8601.
    """
    renderer: list[Processor] = (
        [structlog.processors.JSONRenderer(ensure_ascii=False)]
        if log_format == "json"
        else [structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)]
    )
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _redact_event,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream if stream is not None else sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared[:3], structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _redact_event,
                *renderer,
            ],
        )
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    chosen = (level or os.environ.get("HEADGATE_LOG_LEVEL", "")).upper()
    root.setLevel(chosen if chosen in logging.getLevelNamesMapping() else logging.INFO)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


def _redact_named(name: str, value: Any) -> Any:
    if name.lower() in _SECRET_NAMES and value:
        return REDACTED
    return redact(value)


def _redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Structlog's hook: the last step before a line is written."""
    for name, value in event.items():
        if not name.startswith("_"):
            event[name] = _redact_named(name, value)
    return event
