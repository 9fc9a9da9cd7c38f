"""REST: how an API document comes in: as files, or as an address that we fetch it from."""

from typing import Annotated

from django.conf import settings
from pydantic import Discriminator, Field, Tag, model_validator

from headgate.catalog.document import FILES_MAX, SOURCE_BYTES_MAX, DocumentSource, Fetcher
from headgate.core.problems import Problem, ProblemType
from headgate.store.services.actor import Actor, Scope
from headgate.web.api.fields import Input

URL_CHARACTERS_MAX = 2000
FILE_NAME_CHARACTERS_MAX = 500
FILES_TAG, URL_TAG = "by files", "by url"  # no member is named so
FileName = Annotated[str, Field(min_length=1, max_length=FILE_NAME_CHARACTERS_MAX)]


class DocumentFiles(Input):
    """A document with the local files that it refers to."""

    files: dict[FileName, str] = Field(
        ...,
        min_length=1,
        max_length=FILES_MAX,
        description="Texts by relative path, JSON or YAML.",
        examples=[{"openapi.yaml": "openapi: 3.1.0\ninfo: {title: Pets, version: '1'}\npaths: {}"}],
    )
    entry: FileName = Field(..., description="The path of the one that begins the document.")

    @model_validator(mode="after")
    def _entry_is_there(self) -> "DocumentFiles":
        if self.entry not in self.files:
            raise ValueError("`entry` is not one of `files`")
        return self


class DocumentURL(Input):
    """A document at a public http(s) address."""

    url: str = Field(..., min_length=8, max_length=URL_CHARACTERS_MAX, pattern=r"^https?://")
    allow_private: bool = Field(
        default=False,
        description="Also from addresses that only this machine's network can see; needs `admin`.",
    )


def _kind(given: object) -> str:
    if isinstance(given, DocumentURL) or (isinstance(given, dict) and "url" in given):
        return URL_TAG
    return FILES_TAG


DocumentData = Annotated[
    Annotated[DocumentFiles, Tag(FILES_TAG)] | Annotated[DocumentURL, Tag(URL_TAG)],
    Discriminator(_kind),
]
"""A document, in either way; a mistake is reported for the way that was meant."""


def source_and_fetcher(
    actor: Actor, given: DocumentFiles | DocumentURL, *, allow_remote_refs: bool
) -> tuple[DocumentSource, Fetcher | None]:
    """The document, and what fetches its remote references. Waits for the network.

    Raises:
        Problem: FORBIDDEN: a private address without the scope `admin`, which would let the
            token look into our network; REFUSED_ADDRESS, UNREACHABLE, TOO_LARGE.
    """
    actor.require_operator(Scope.WRITE, "API")
    if isinstance(given, DocumentFiles):
        size = sum(len(text) for text in given.files.values())
        if size > SOURCE_BYTES_MAX:
            raise Problem(
                ProblemType.TOO_LARGE,
                f"The document has more than {SOURCE_BYTES_MAX:,} characters.",
                "Import a smaller document.",
            )
        source = DocumentSource(given.files, given.entry)
        return source, _fetcher(allow_private=False) if allow_remote_refs else None
    if given.allow_private:
        actor.require(Scope.ADMIN)
    # The HTTP client takes 20 MB: only for those who import by address
    from headgate.catalog.io.fetch import source_from_url

    fetch = _fetcher(allow_private=given.allow_private)
    return source_from_url(given.url, fetch), fetch if allow_remote_refs else None


def _fetcher(*, allow_private: bool) -> Fetcher:
    from headgate.catalog.io.connect import resolve
    from headgate.catalog.io.fetch import HTTPFetcher

    resolver = getattr(settings, "NAME_RESOLVER", resolve)
    return HTTPFetcher(allow_private=allow_private, resolver=resolver)
