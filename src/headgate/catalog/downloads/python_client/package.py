"""Which files make the client of an API, and how do they become one archive?"""

import io
import json
import zipfile
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from headgate.catalog.downloads.python_client.methods import docstring, method
from headgate.catalog.downloads.python_client.names import Names
from headgate.catalog.downloads.python_client.types import Types, component_names
from headgate.catalog.reference.index import Entry, Index
from headgate.catalog.reference.markdown import plain
from headgate.catalog.reference.operation import operation_view
from headgate.catalog.reference.parts import Parts
from headgate.catalog.samples.python import quoted
from headgate.model.snapshot import KeyLocation, KeySource

DESCRIPTION_CHARACTERS_MAX = 300
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the first that ZIP knows: equal documents, equal archives
_IMPORTED = ("from headgate.catalog.styles import", "from {package}._styles import")


def client_files(
    document: dict[str, Any],
    index: Index,
    parts: Parts,
    *,
    name: str,
    server: str,
    sources: tuple[KeySource, ...] = (),
) -> dict[str, str]:
    """Texts by path. `document` is what the reference shows; `name` becomes the package's."""
    package = Names().function(f"{name} client")
    project = package.replace("_", "-")
    types = Types(parts, component_names(document))
    groups = _groups(index)
    modules = {
        f"groups/{module}.py": _group(package, words, entries, parts, types)
        for module, (words, entries) in groups.items()
    }
    src = f"src/{package}"
    made = {
        "pyproject.toml": _project(project, package, index),
        "README.md": _readme(project, package, index, sources),
        f"{src}/__init__.py": _exports(package, index),
        f"{src}/py.typed": "",
        f"{src}/client.py": _client(package, index, groups, server, sources),
        f"{src}/models.py": types.module(),
        f"{src}/_transport.py": _own("downloads/python_client/transport.py").replace(
            _IMPORTED[0], _IMPORTED[1].format(package=package)
        ),
        f"{src}/_styles.py": _own("styles.py"),
        f"{src}/groups/__init__.py": '"""The operations, one module for each tag."""\n',
    }
    return made | {f"{src}/{path}": text for path, text in modules.items()}


def archive(texts: Mapping[str, str], folder: str) -> bytes:
    """A ZIP with everything in one folder. Deterministic."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for path, text in sorted(texts.items()):
            entry = zipfile.ZipInfo(f"{folder}/{path}", _ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            target.writestr(entry, text.encode())
    return made.getvalue()


def _groups(index: Index) -> dict[str, tuple[str, tuple[Entry, ...]]]:
    """Module name, its tag and operations."""
    names = Names("models", "client", "close", "groups")
    return {
        names.function(tag.name or "calls"): (tag.name, entries) for tag, entries in index.groups()
    }


def _group(package: str, words: str, entries: tuple[Entry, ...], parts: Parts, types: Types) -> str:
    names = Names()
    methods = [
        method(names.function(entry.id), operation_view(parts, entry), types) for entry in entries
    ]
    said = docstring(plain(f"Operations: {words}" if words else "Operations", 80))
    body = "\n".join(methods)
    used = ["from collections.abc import Mapping\n"] if "Mapping[" in body else []
    typing = [name for name in ("Any", "Literal") if name in body]
    typing += ["cast"] if "cast(" in body else []
    used += [f"from typing import {', '.join(typing)}\n"] if typing else []
    ours = f"from {package} import models\n" if "models." in body else ""
    ours += f"from {package}._styles import Written\n" if "Written(" in body else ""
    return (
        f"{said}\n\n{''.join(used)}{chr(10) if used else ''}{ours}"
        f"from {package}._transport import Transport\n\n\n"
        f"class Group:\n    {said}\n\n"
        "    def __init__(self, transport: Transport) -> None:\n"
        f"        self._transport = transport\n\n{body}"
    )


def _client(
    package: str,
    index: Index,
    groups: Mapping[str, tuple[str, tuple[Entry, ...]]],
    server: str,
    sources: tuple[KeySource, ...],
) -> str:
    imports = "".join(f"from {package}.groups import {module}\n" for module in groups)
    members = "".join(f"        self.{module} = {module}.Group(transport)\n" for module in groups)
    place, name = _key(sources)
    key = 'key: str = ""' if not place else "key: str"
    return (
        f"{docstring(plain(f'A client of {index.title}', 80))}\n\n"
        "from types import TracebackType\nfrom typing import Self\n\n"
        f"from {package}._transport import TIMEOUT_SECONDS, Transport\n{imports}\n"
        f"BASE_URL = {quoted(server)}\n\n\n"
        "class Client:\n"
        f"    {docstring('The API; its operations by group')}\n\n"
        f"    def __init__(\n        self,\n        {key},\n        *,\n"
        "        base_url: str = BASE_URL,\n"
        "        timeout_seconds: float = TIMEOUT_SECONDS,\n    ) -> None:\n"
        "        transport = Transport(\n            base_url,\n            key,\n"
        f"            key_place={quoted(place)},\n            key_name={quoted(name)},\n"
        "            timeout_seconds=timeout_seconds,\n        )\n"
        f"        self._transport = transport\n{members}\n"
        "    def close(self) -> None:\n"
        '        """Close the connections."""\n        self._transport.close()\n\n'
        "    def __enter__(self) -> Self:\n        return self\n\n"
        "    def __exit__(\n        self,\n        kind: type[BaseException] | None,\n"
        "        error: BaseException | None,\n        trace: TracebackType | None,\n"
        "    ) -> None:\n        self.close()\n"
    )


def _exports(package: str, index: Index) -> str:
    return (
        f"{docstring(plain(f'A client of {index.title}', 80))}\n\n"
        f"from {package}._transport import APIError\nfrom {package}.client import Client\n\n"
        '__all__ = ["APIError", "Client"]\n'
    )


def _project(project: str, package: str, index: Index) -> str:
    about = plain(f"A client of {index.title} {index.version}", 200)
    about = "".join(letter for letter in about if letter.isprintable())
    return (
        '[build-system]\nrequires = ["hatchling>=1.27"]\nbuild-backend = "hatchling.build"\n\n'
        f'[project]\nname = "{project}"\nversion = "1.0.0"\n'
        f"description = {json.dumps(about, ensure_ascii=False)}\n"
        'readme = "README.md"\nrequires-python = ">=3.11"\ndependencies = ["httpx2>=2.16,<3"]\n\n'
        f'[tool.hatch.build.targets.wheel]\npackages = ["src/{package}"]\n'
    )


def _readme(project: str, package: str, index: Index, sources: tuple[KeySource, ...]) -> str:
    key = 'os.environ["API_KEY"]' if sources else ""
    entry = index.entries[0] if index.entries else None
    groups = list(_groups(index).items())
    call = ""
    if entry is not None:
        module, (_, entries) = groups[0]
        call = f"    client.{module}.{Names().function(entries[0].id)}(…)\n"
    about = plain(index.description, DESCRIPTION_CHARACTERS_MAX)
    return (
        f"# {project}\n\n{about}\n\n```\npip install ./{project}\n```\n\n```python\n"
        f"{'import os' + chr(10) * 2 if sources else ''}from {package} import APIError, Client\n\n"
        f"with Client({key}) as client:\n{call or '    ...' + chr(10)}```\n\n"
        "Answers are the JSON of the API, typed. `APIError` has `status` and `body`.\n"
    )


def _key(sources: tuple[KeySource, ...]) -> tuple[str, str]:
    if not sources:
        return "", ""
    first = sources[0]
    return first.location.value, "" if first.location is KeyLocation.BEARER else first.name


def _own(path: str) -> str:
    return files("headgate.catalog").joinpath(path).read_text(encoding="utf-8")
