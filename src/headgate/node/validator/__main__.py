"""How is a validator started? `python -m headgate.node.validator --socket S --contracts FOLDER`."""

import argparse
from pathlib import Path

import uvloop

from headgate.node.validator.serve import serve

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Validates calls for the Envoy of a node.")
    parser.add_argument("--socket", required=True, type=Path)
    parser.add_argument("--contracts", required=True, type=Path)
    parser.add_argument("--fingerprint", default="", help="which build this is; for the agent")
    told = parser.parse_args()
    uvloop.run(serve(told.socket, told.contracts))
