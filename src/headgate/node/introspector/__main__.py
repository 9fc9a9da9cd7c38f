"""How is it started? `python -m headgate.node.introspector --socket S --settings FILE`."""

import argparse
from pathlib import Path

import uvloop

from headgate.node.introspector.serve import serve

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Asks about tokens for the Envoy of a node.")
    parser.add_argument("--socket", required=True, type=Path)
    parser.add_argument("--settings", required=True, type=Path)
    parser.add_argument("--fingerprint", default="", help="which build this is; for the agent")
    told = parser.parse_args()
    uvloop.run(serve(told.socket, told.settings))
