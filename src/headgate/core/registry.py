"""Which extensions of one kind are there? Each is one file that registers itself."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(Generic[T]):
    """Extensions of one kind by name, found by importing every module of one package.

    `package` is the dotted name of the folder that holds one file per extension. It is
    imported at the first look-up, so that registering and looking up cannot form a circle.
    """

    def __init__(self, package: str) -> None:
        self._package = package
        self._found: dict[str, type[T]] = {}
        self._is_loaded = False

    def register(self, name: str) -> Callable[[type[T]], type[T]]:
        """Class decorator that adds an extension under `name`.

        Raises:
            ValueError: the name is taken.
        """

        def add(extension: type[T]) -> type[T]:
            if name in self._found:
                raise ValueError(f"{self._package} has two extensions named {name!r}")
            self._found[name] = extension
            return extension

        return add

    def __getitem__(self, name: str) -> type[T]:
        self._load()
        return self._found[name]

    def __contains__(self, name: object) -> bool:
        self._load()
        return name in self._found

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(sorted(self._found))

    def items(self) -> list[tuple[str, type[T]]]:
        """Every extension with its name, by name."""
        return [(name, self[name]) for name in self]

    def _load(self) -> None:
        if self._is_loaded:
            return
        self._is_loaded = True
        package = importlib.import_module(self._package)
        for module in pkgutil.iter_modules(package.__path__, f"{self._package}."):
            importlib.import_module(module.name)
