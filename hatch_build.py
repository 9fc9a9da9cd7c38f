"""How do the filter and the translations get into the wheel? Compiled by hatchling's hook."""

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FILTER = Path("src/headgate/gateway/filter")
LOCALE = Path("src/headgate/web/locale")


class CompilingHook(BuildHookInterface[Any]):
    """Compiles the Zig modules for this kind of processor, and what gettext reads.

    Editable installs run it too.

    Raises:
        RuntimeError: the source does not compile; the installer shows the compiler's words.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling's
        """Called by hatchling before it collects the wheel's files.

        The build scripts are run by their paths: the package itself cannot be imported yet.
        """
        made: list[Path] = []
        for folder in (Path(self.root) / FILTER, Path(self.root) / LOCALE):
            made += runpy.run_path(str(folder / "build.py"))["build"](folder)
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        build_data["artifacts"] += [f"/{path.relative_to(self.root)}" for path in made]
