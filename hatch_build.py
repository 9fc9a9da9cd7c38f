"""How does the filter get into the wheel? Compiled by hatchling's hook, shipped as an artifact."""

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FILTER = Path("src/headgate/gateway/filter")


class FilterBuildHook(BuildHookInterface[Any]):
    """Compiles the Zig module for this kind of processor; editable installs run it too.

    Raises:
        RuntimeError: the source does not compile; the installer shows the compiler's words.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling's
        """Called by hatchling before it collects the wheel's files.

        The build script is run by its path: the package itself cannot be imported yet.
        """
        folder = Path(self.root) / FILTER
        libraries: list[Path] = runpy.run_path(str(folder / "build.py"))["build"](folder)
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        build_data["artifacts"] += [f"/{FILTER}/{library.name}" for library in libraries]
