"""Which files belong to a document on disk? The entry and what it refers to, no more.

Nothing outside the folder is read, not through `..` and not through symbolic links.
"""

import posixpath
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urlsplit

from headgate.catalog.document import FILES_MAX, SOURCE_BYTES_MAX, DocumentSource
from headgate.catalog.reading import read
from headgate.catalog.unreadable import Unreadable
from headgate.core.problems import Problem, ProblemType

ENTRY_NAMES = tuple(
    f"{stem}.{ending}"
    for stem in ("openapi", "swagger", "api", "spec", "index")
    for ending in ("yaml", "yml", "json")
)
_NEXT_STEP = "Name an OpenAPI or Swagger document, or the folder that it is in."


def read_source(path: Path, entry: str = "") -> DocumentSource:
    """The document at `path`, a file or a folder, with the local files that it refers to.

    In a folder, `entry` names the file to start from; without it, the first of `ENTRY_NAMES`
    that is there. For a file, its folder is the border that references must not cross.

    Raises:
        Problem: not there, not readable, not text in UTF-8, too many or too large files.
    """
    if path.is_dir():
        folder, name = path, entry or _entry_of(path)
    elif path.is_file():
        folder, name = path.parent, path.name
    else:
        raise Problem(ProblemType.NOT_FOUND, f"There is no file {str(path)!r}.", _NEXT_STEP)
    return DocumentSource(_read_all(folder.resolve(), posixpath.normpath(name)), name)


def _entry_of(folder: Path) -> str:
    for name in ENTRY_NAMES:
        if (folder / name).is_file():
            return name
    raise Problem(
        ProblemType.NOT_FOUND,
        f"The folder {str(folder)!r} has no {', '.join(ENTRY_NAMES[:4])} in it.",
        "Name the file to start from.",
    )


def _read_all(folder: Path, entry: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    bytes_left = SOURCE_BYTES_MAX
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        path = _inside(folder, name)
        if name in texts or (path is None and name != entry):
            continue
        if path is None:
            raise Problem(
                ProblemType.NOT_FOUND, f"There is no file {name!r} in the folder.", _NEXT_STEP
            )
        if len(texts) >= FILES_MAX:
            raise _too_large(f"The document refers to more than {FILES_MAX} files.")
        texts[name] = _text(path, bytes_left)
        bytes_left -= len(texts[name])
        waiting += sorted(_local_references(name, texts[name]), reverse=True)
    return texts


def _inside(folder: Path, name: str) -> Path | None:
    """The regular file of that name, if it is one and really inside the folder."""
    try:
        path = (folder / name).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return None
    return path if path.is_relative_to(folder) and path.is_file() else None


def _text(path: Path, bytes_left: int) -> str:
    try:
        with path.open("rb") as file:
            body = file.read(bytes_left + 1)
        if len(body) > bytes_left:
            raise _too_large(f"The files of the document exceed {SOURCE_BYTES_MAX:,} bytes.")
        return body.decode("utf-8-sig")
    except OSError as error:
        raise Problem(
            ProblemType.INVALID_INPUT, f"{path} cannot be read: {error.strerror}.", _NEXT_STEP
        ) from error
    except UnicodeDecodeError as error:
        raise Problem(
            ProblemType.INVALID_DOCUMENT, f"{path} is not text in UTF-8.", _NEXT_STEP
        ) from error


def _local_references(name: str, text: str) -> set[str]:
    """Every relative path that a `$ref` or a discriminator's mapping may mean.

    It may name too many; the import decides which of them are references.
    """
    try:
        waiting: list[Any] = [read(name, text)]
    except Unreadable:
        return set()  # the import says what is wrong with it
    found: set[str] = set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            mapping = value.get("mapping")
            named = list(mapping.values()) if isinstance(mapping, dict) else []
            found |= {item for item in [value.get("$ref"), *named] if isinstance(item, str)}
            waiting += value.values()
    paths = {_relative(name, reference) for reference in found}
    return {path for path in paths if path}


def _relative(name: str, reference: str) -> str:
    try:
        parts = urlsplit(urldefrag(reference)[0])
    except ValueError:
        return ""
    if parts.scheme or parts.netloc or not parts.path:
        return ""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path)))
    return "" if path.startswith(("/", "..")) else path


def _too_large(detail: str) -> Problem:
    return Problem(ProblemType.TOO_LARGE, detail, "Import a smaller document.")
