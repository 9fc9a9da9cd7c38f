"""Which files make up the OpenAPI document that a person points at?

A file, a folder or a URL. From a file or a folder only what the document refers to is sent: the
entry and, by relative `$ref`, the files beside and below it, and nothing outside that folder.
"""

import re
from pathlib import Path
from typing import Any

from headgate.catalog.io.folder import read_source
from headgate.core.problems import Problem, ProblemType

BYTES_MAX = 20_000_000  # of all its files together
ENTRY_NAMES = ("openapi", "swagger", "api")
SUFFIXES = (".yaml", ".yml", ".json")

_VERSION = re.compile(r"""^\s*\{?\s*["']?(openapi|swagger)["']?\s*:""", re.MULTILINE)


def is_url(spec: str) -> bool:
    """Whether the document is to be fetched by the control plane."""
    return spec.startswith(("http://", "https://"))


def document_of(spec: str, *, allow_private: bool) -> dict[str, Any]:
    """The `document` member of an import: a URL to fetch, or the files and their entry.

    Raises:
        Problem: no such file, not text, no document in the folder, or too much of it.
    """
    if is_url(spec):
        return {"url": spec, "allow_private": allow_private}
    path = Path(spec)
    source = read_source(path, _entry_in(path).name if path.is_dir() else "")
    return {"files": dict(source.files), "entry": source.entry}


def _entry_in(folder: Path) -> Path:
    files = sorted(f for f in folder.iterdir() if f.suffix in SUFFIXES and f.is_file())
    named = [f for f in files if f.stem.lower() in ENTRY_NAMES]
    marked = [f for f in files if _VERSION.search(_text_of(f))]
    found = [f for f in named if f in marked] or marked
    if len(found) == 1:
        return found[0]
    names = ", ".join(f.name for f in found)
    raise Problem(
        ProblemType.INVALID_INPUT,
        f"{folder} holds several OpenAPI documents: {names}."
        if found
        else f"{folder} holds no OpenAPI document (.yaml, .yml or .json with `openapi:`).",
        "Name the file itself; files that it refers to are found from there.",
    )


def _text_of(file: Path) -> str:
    try:
        if file.stat().st_size > BYTES_MAX:
            raise Problem(
                ProblemType.TOO_LARGE,
                f"{file} is longer than {BYTES_MAX // 1_000_000} MB.",
                "Split the API.",
            )
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(
            ProblemType.INVALID_DOCUMENT,
            f"{file} is not UTF-8 text.",
            "Save it as UTF-8, JSON or YAML.",
        ) from error
    except OSError as error:
        raise Problem(
            ProblemType.INVALID_INPUT,
            f"{file} cannot be read: {error.strerror}.",
            "Name an OpenAPI document: a file, a folder or a URL.",
        ) from error
