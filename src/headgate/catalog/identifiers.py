"""Which places of a file are named by `$id` or `$anchor`? Looked for when first asked.

Source: JSON Schema 2020-12 §8.2 (`$id`, `$anchor`, `$dynamicAnchor`).
"""

from typing import Any
from urllib.parse import urljoin

from headgate.catalog.pointers import Keys

IDENTIFYING = ("$id", "$anchor", "$dynamicAnchor")


class Identifiers:
    """The named places below `root`, whose own address is `location`; None names nothing."""

    def __init__(self, root: Any, location: str) -> None:
        self._root = root
        self._location = location
        self._is_collected = False
        self._places: dict[str, Keys] = {}  # by full identifier
        self._bases: dict[Keys, str] = {}  # full identifiers by place
        self._anchors: dict[str, Keys] = {}

    def anchor(self, name: str) -> Keys | None:
        """The place that `$anchor` or `$dynamicAnchor` gives the name."""
        self._collect()
        return self._anchors.get(name)

    def resource(self, address: str, steps: Keys) -> Keys | None:
        """The place that `address`, standing at `steps`, identifies by its `$id`."""
        around = self.around(steps)
        if not self._places:
            return None
        base = self._bases[around[0]] if around else self._location
        return self._places.get(_joined(base, address))

    def around(self, steps: Keys) -> list[Keys]:
        """The places of `$id` that `steps` are inside of, innermost first."""
        self._collect()
        if not self._bases:
            return []
        outer = (steps[:length] for length in range(len(steps), -1, -1))
        return [place for place in outer if place in self._bases]

    def _collect(self) -> None:
        if self._is_collected:
            return
        self._is_collected = True
        waiting: list[tuple[Any, Keys, str]] = [(self._root, (), self._location)]
        while waiting:
            value, steps, base = waiting.pop()
            if not isinstance(value, dict | list):
                continue
            if isinstance(value, dict):
                base = self._note(value, steps, base)
            items = value.items() if isinstance(value, dict) else enumerate(value)
            waiting += [
                (item, (*steps, key), base) for key, item in items if isinstance(item, dict | list)
            ]

    def _note(self, value: dict[str, Any], steps: Keys, base: str) -> str:
        """Notes the names of one object; the base of addresses inside it."""
        identifier = value.get("$id")
        if isinstance(identifier, str):
            base = _joined(base, identifier.partition("#")[0])
            self._places.setdefault(base, steps)
            self._bases[steps] = base
        for key in ("$anchor", "$dynamicAnchor"):
            if isinstance(value.get(key), str):
                self._anchors.setdefault(value[key], steps)
        return base


def _joined(base: str, address: str) -> str:
    try:
        return urljoin(base, address)
    except ValueError:
        return address
