"""Where is the filter that Envoy loads? `libheadgate.so`, built from the Zig files beside it."""

from pathlib import Path

MODULE_NAME = "headgate"  # Envoy looks for lib<name>.so
FOLDER = Path(__file__).parent
LIBRARY = FOLDER / f"lib{MODULE_NAME}.so"
