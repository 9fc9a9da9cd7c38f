"""How are names of a document written as names of Python, each of them once?"""

import builtins
import keyword
import re
import unicodedata

NAME_CHARACTERS_MAX = 60
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9]+")
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_RESERVED = frozenset(
    {name.lower() for name in dir(builtins)}
    | {"self", "cls", "body", "literal", "any", "cast", "required", "notrequired", "typeddict"}
    | {"typealias", "models", "written", "transport", "annotations", "mapping"}
)


class Names:
    """Names of one scope; a number behind one that is taken."""

    def __init__(self, *taken: str) -> None:
        self._taken = set(taken)

    def function(self, name: str) -> str:
        """`listPets` → `list_pets`."""
        return self._free("_".join(_words(name)).lower() or "value")

    def type(self, name: str) -> str:
        """`new-pet` → `NewPet`."""
        return self._free("".join(word[:1].upper() + word[1:] for word in _words(name)) or "Value")

    def _free(self, name: str) -> str:
        name = name[:NAME_CHARACTERS_MAX].rstrip("_") or "value"
        if name[0].isdigit():
            name = f"n{name}" if name[0].islower() else f"N{name}"
        if keyword.iskeyword(name) or keyword.issoftkeyword(name) or name.lower() in _RESERVED:
            name += "_"
        base, number = name, 1
        while name in self._taken:
            number += 1
            name = f"{base}_{number}"
        self._taken.add(name)
        return name


def _words(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    parts = (part for part in _NOT_IN_NAMES.split(plain) if part)
    return [word for part in parts for word in _HUMPS.split(part)]
