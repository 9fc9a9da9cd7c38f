"""What does the filter know of an API and its operations? Written so that no half is ever read.

An API's settings change together: they stand twice in its row, and one store says which copy is
valid. Part of them comes from the access feed (products, openness), part from the snapshot (key
sources). Limits are single numbers, changed one by one.
"""

import struct
from collections.abc import Sequence

from headgate.core.problems import Problem, ProblemType
from headgate.gateway import table_layout as layout
from headgate.gateway.table_file import TableFile, fence
from headgate.model.access import (
    SCOPED_LIMITS_MAX,
    APIRow,
    APISettingsRow,
    LimitSubject,
    OperationRow,
    PublishedRows,
    ScopedLimit,
)
from headgate.model.limits import Limit, LimitKind, Window
from headgate.model.snapshot import KeyLocation, KeySource

_API = layout.SECTIONS["api"]
_OPERATION = layout.SECTIONS["operation"]
_SETTINGS = struct.Struct("@BBBB16I108s16x")
_SOURCE = struct.Struct("@BB34s")
_KINDS = {LimitKind.RATE: 1, LimitKind.QUOTA: 2, LimitKind.CONCURRENT: 3}
_WINDOWS = {window: code for code, window in enumerate(Window)}
_SUBJECTS = {
    LimitSubject.EVERYONE: 0,
    LimitSubject.APPLICATION: 1,
    LimitSubject.ADDRESS: 2,
    LimitSubject.CREDENTIAL: 3,
    LimitSubject.CLAIM: 4,  # the API's first; the others follow
    LimitSubject.ANONYMOUS: 2,  # by address, with a bit of its own
}
_LOCATIONS = {
    KeyLocation.HEADER: layout.SOURCE_HEADER,
    KeyLocation.BEARER: layout.SOURCE_BEARER,
    KeyLocation.QUERY: layout.SOURCE_QUERY,
}
_DEFAULT_HEADER = "x-api-key"


def limit_word(limit: Limit, subject: LimitSubject = LimitSubject.EVERYONE, number: int = 0) -> int:
    """A limit in 64 bits: amount 32, burst or anchor day 22, anonymous 1, shadow 1, window 3,
    kind 2, subject 3. `number`: of the claim that counts. No rate is per month: the window's
    highest bit says that nodes share it."""
    anchor = limit.anchor_day if limit.anchor_day != 1 else 0
    return (
        limit.amount
        | (limit.burst or anchor) << 32
        | (subject is LimitSubject.ANONYMOUS) << 54
        | limit.is_shadow << 55
        | (_WINDOWS[limit.window] | limit.is_shared << 2) << 56
        | _KINDS[limit.kind] << 59
        | _SUBJECTS[subject] + number << 61
    )


class SettingsWriter:
    """Writes the rows of APIs and operations."""

    def __init__(self, file: TableFile) -> None:
        self._file = file

    def check_products(self, apis: Sequence[APIRow]) -> None:
        """Whether the feed's APIs fit, and give their rows disk space.

        Raises:
            Problem: an API is in too many products, or there are too many APIs.
            DependencyError: the disk is full.
        """
        for api in apis:
            if len(api.products) > layout.PRODUCTS_MAX:
                raise _too_many("products of one API", layout.PRODUCTS_MAX)
        self._file.reserve_rows("api", max((api.row for api in apis), default=-1) + 1)

    def check(self, rows: PublishedRows) -> None:
        """Whether the snapshot's rows fit.

        Raises:
            Problem: too many key sources or limits, or a name that is too long.
        """
        for api in rows.apis:
            if len(api.key_sources) > layout.SOURCES_MAX:
                raise _too_many("key sources of one API", layout.SOURCES_MAX)
            for source in api.key_sources:
                if len(source.name.encode()) > layout.SOURCE_NAME_BYTES_MAX:
                    raise _too_many("bytes of a key source's name", layout.SOURCE_NAME_BYTES_MAX)
        for limits in (*(row.limits for row in rows.apis), *(o.limits for o in rows.operations)):
            if len(limits) > SCOPED_LIMITS_MAX:
                raise _too_many("limits of one API or operation", SCOPED_LIMITS_MAX)

    def put_api(self, row: APIRow, state: int) -> None:
        """Write what the access feed says of an API."""
        old = _SETTINGS.unpack(self._settings(row.row))
        products = [*row.products, *[0] * (layout.PRODUCTS_MAX - len(row.products))]
        self._change(
            row.row,
            _SETTINGS.pack(state, int(row.is_open), len(row.products), old[3], *products, old[20]),
        )

    def publish(self, rows: PublishedRows) -> None:
        """Write what a snapshot says; room must have been reserved."""
        for api in rows.apis:
            self._put_limits(_API.at(api.row, "limits"), api.limits)
            self._put_sources(api)
        for operation in rows.operations:
            self._put_operation(operation)
        self._file.set_header("units_max", max((one.cost for one in rows.operations), default=1))

    def _put_sources(self, row: APISettingsRow) -> None:
        old = _SETTINGS.unpack(self._settings(row.row))
        sources = b"".join(_source(source) for source in row.key_sources)
        self._change(row.row, _SETTINGS.pack(*old[:3], len(row.key_sources), *old[4:20], sources))

    def _put_operation(self, row: OperationRow) -> None:
        self._put_limits(_OPERATION.at(row.row, "limits"), row.limits)
        self._file.words[_OPERATION.at(row.row, "cost") // 8] = row.cost
        fence()
        self._file.words[_OPERATION.at(row.row, "api") // 8] = row.api

    def _put_limits(self, at: int, limits: Sequence[ScopedLimit]) -> None:
        for slot in range(SCOPED_LIMITS_MAX):
            one = limits[slot] if slot < len(limits) else None
            word = 0 if one is None else limit_word(one.limit, one.subject, one.number)
            self._file.words[at // 8 + slot] = word

    def _settings(self, row: int) -> bytes:
        version = self._file.words[_API.at(row, "version") // 8]
        at = _API.at(row, "copies") + (version & 1) * layout.SETTINGS.size
        return self._file.bytes[at : at + layout.SETTINGS.size]

    def _change(self, row: int, settings: bytes) -> None:
        version = self._file.words[_API.at(row, "version") // 8]
        if version and settings == self._settings(row):
            return
        at = _API.at(row, "copies") + ((version + 1) & 1) * layout.SETTINGS.size
        self._file.bytes[at : at + layout.SETTINGS.size] = settings
        fence()
        self._file.words[_API.at(row, "version") // 8] = version + 1


def _source(source: KeySource) -> bytes:
    name = source.name or ("" if source.location is KeyLocation.BEARER else _DEFAULT_HEADER)
    if source.location is KeyLocation.HEADER:
        name = name.lower()
    encoded = name.encode()
    return _SOURCE.pack(_LOCATIONS[source.location], len(encoded), encoded)


def _too_many(what: str, most: int) -> Problem:
    return Problem(
        ProblemType.TOO_MANY,
        f"The access table holds at most {most} {what}.",
        "Make do with fewer.",
    )
