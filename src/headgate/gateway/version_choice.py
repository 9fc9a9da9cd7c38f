"""How do callers choose between versions of an API that have one base path? By a header or query.

    header:x-api-version          x-api-version: v2
    query:version                 …?version=v2

A call that names none gets the default version; one that names a version that is not published
there is refused, because another one than asked for would be worse. Envoy's routes see the
request's headers, and the path with its query is one of them, so both ways are found before any
filter has run and cost requests to other APIs nothing.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from headgate.core.phrases import phrase, words_of
from headgate.core.problems import Detail
from headgate.gateway.header_names import CREDENTIALS, header_error
from headgate.gateway.routing import quoted
from headgate.model.snapshot import KeyLocation, Snapshot, SnapshotAPI

CHOICE_CHARACTERS_MAX = 100
_PARAMETER = re.compile(r"[A-Za-z0-9_.~-]+")  # what nobody needs to encode
_FORMS = words_of("write header:x-api-version or query:version")


class ChoiceLocation(StrEnum):
    """Where a caller names the version."""

    HEADER = "header"
    QUERY = "query"


@dataclass(frozen=True, slots=True)
class VersionChoice:
    """One way to choose; `name` is lower case for a header."""

    location: ChoiceLocation
    name: str

    def __str__(self) -> str:
        return f"{self.location}:{self.name}"

    def of(self, version: str) -> str:
        """How a call that chooses a version is written, for people."""
        if self.location is ChoiceLocation.HEADER:
            return f"{self.name}: {version}"
        return f"?{self.name}={version}"


def parse_choice(text: str) -> VersionChoice:
    """`header:NAME` or `query:NAME`.

    Raises:
        ValueError: neither, or a name that cannot be used.
    """
    location, _, name = text.partition(":")
    if location not in set(ChoiceLocation) or not name or len(text) > CHOICE_CHARACTERS_MAX:
        raise ValueError(
            phrase(
                "{text!r} is no way to choose a version; {forms}",
                text=text[:60],
                forms=phrase(_FORMS),
            )
        )
    if location == ChoiceLocation.QUERY:
        if _PARAMETER.fullmatch(name) is None:
            raise ValueError(
                phrase("{name!r} is not a name of a query parameter without encoding", name=name)
            )
        return VersionChoice(ChoiceLocation.QUERY, name)
    lower = name.lower()
    if error := header_error(lower):
        raise ValueError(error)
    if lower in CREDENTIALS or lower.startswith("x-headgate-"):
        raise ValueError(phrase("{name!r} has another meaning here", name=name))
    return VersionChoice(ChoiceLocation.HEADER, lower)


def chosen(snapshot: Snapshot) -> dict[int, tuple[SnapshotAPI, ...]]:
    """The versions that callers may choose beside a default one, by its row."""
    found = {}
    for default in snapshot.apis:
        if default.is_default and default.version_by:
            found[default.row] = tuple(
                api
                for api in snapshot.apis
                if not api.is_default
                and (api.name, api.base_path) == (default.name, default.base_path)
            )
    return found


def choice_mistakes(snapshot: Snapshot) -> list[Detail]:
    """What stands in the way of choosing versions in a snapshot."""
    found: list[Detail] = []
    released = {release.stable for release in snapshot.releases}
    for index, api in enumerate(snapshot.apis):
        if not (api.is_default and api.version_by):
            continue
        if message := _mistake(api, snapshot, is_released=api.row in released):
            words = f"API {api.name}: its versions cannot be chosen by {api.version_by}: {message}"
            found.append(Detail(words, f"/apis/{index}/version_by"))
    return found


def _mistake(api: SnapshotAPI, snapshot: Snapshot, *, is_released: bool) -> str:
    try:
        choice = parse_choice(api.version_by)
    except ValueError as error:
        return str(error)
    if not api.base_path:
        return "an API at the root would take every other's calls; give it a base path"
    if is_released:
        return "a release is under way, which would choose for the caller; end it first"
    for source in api.key_sources:
        is_same_place = (source.location, source.name) == (
            KeyLocation(choice.location),
            choice.name,
        )
        if is_same_place:
            return "the key is sent there"
    below = quoted(api.base_path) + "/"
    for other in snapshot.apis:
        if quoted(other.base_path).startswith(below):
            return f"the base path {other.base_path!r} of API {other.name} lies within its own"
    return ""
