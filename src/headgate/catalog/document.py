"""What is an API document before and after its import? The values and the limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from headgate.core.problems import Detail
from headgate.model.scopes import ScopeNeeds

SOURCE_BYTES_MAX = 32 * 1024 * 1024  # all files of one document together; GitHub's is 13 MB
FILES_MAX = 500  # local files of one document
REMOTE_FILES_MAX = 50  # documents fetched for remote `$ref`s
NODES_MAX = 3_000_000  # values of a document with aliases spelt out; GitHub's has 600,000
NESTING_MAX = 200  # levels; orjson writes at most 254
OPERATIONS_MAX = 20_000
PARAMETERS_MAX = 200  # of one operation, and of one path item
SECURITY_MAX = 50  # requirements of one operation
ERRORS_MAX = 100  # listed in one problem; the rest is counted
WARNINGS_MAX = 100  # listed with an imported document; the rest is counted
OPERATION_ID_CHARACTERS_MAX = 255
PATH_CHARACTERS_MAX = 2_000
TITLE_CHARACTERS_MAX = 255
VERSION_CHARACTERS_MAX = 100
DESCRIPTION_CHARACTERS_MAX = 50_000
SUMMARY_CHARACTERS_MAX = 500
TAG_CHARACTERS_MAX = 100
TAGS_MAX = 50  # of one operation; what is over stays in the bundled document
MESSAGE_CHARACTERS_MAX = 1_000  # of one mistake, and of its pointer


class Format(StrEnum):
    """The description languages that can be imported."""

    SWAGGER_2_0 = "swagger-2.0"
    OPENAPI_3_0 = "openapi-3.0"
    OPENAPI_3_1 = "openapi-3.1"


@dataclass(frozen=True, slots=True)
class DocumentSource:
    """An API document as it came.

    `files` are texts by relative path (`/` between the parts), `entry` is the path of the one
    that has `openapi` or `swagger` in it. A document that was fetched has its address in `url`
    and relative references in it are references to that host.
    """

    files: Mapping[str, str]
    entry: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A text from the network and the address that it came from after redirects."""

    url: str
    text: str


class Fetcher(Protocol):
    """Gets one document from the network, within limits of size and time."""

    def __call__(self, url: str, /) -> Fetched:
        """The text at `url`.

        Raises:
            Problem: unreachable, refused, too large or not a text.
        """


@dataclass(frozen=True, slots=True)
class Server:
    """Where the document says that the API answers; may be relative. Variables are filled in."""

    url: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method and path template of a document.

    `id` is the document's operationId where that is unique and usable, else `GET /path`: it is
    stable over imports and at most `OPERATION_ID_CHARACTERS_MAX` long. `security` holds the names
    of all schemes that are required, in any combination; `needs` are the scopes and roles of them
    and of `x-required-roles`. `sunset_at` is the day or instant in `x-sunset`, of a deprecated one.
    `pointer` leads to the operation in the bundled document.
    """

    id: str
    method: str  # upper case
    path: str
    summary: str = ""
    tags: tuple[str, ...] = ()
    is_deprecated: bool = False
    sunset_at: datetime | None = None
    security: tuple[str, ...] = ()
    needs: ScopeNeeds = field(default_factory=ScopeNeeds)
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Description:
    """What a bundled document says of its API."""

    format: Format
    title: str
    description: str
    version: str
    servers: tuple[Server, ...]
    base_path: str  # hint from basePath or the first server: "" or "/v1"
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class ImportedDocument:
    """A document that was checked as a whole.

    `original` holds every text as it came, by path or, if it was fetched, by address. `bundled`
    is one self-contained document (JSON values); schemas that contain themselves remain
    references inside it. `warnings` (at most `WARNINGS_MAX`) are mistakes that can be lived with.
    """

    original: Mapping[str, str]
    entry: str
    bundled: dict[str, Any]
    description: Description
    warnings: tuple[Detail, ...] = field(default=())
    warnings_dropped: int = 0
    url: str = ""  # of a document that was fetched: what its relative references start from

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The operations, in the document's order."""
        return self.description.operations
