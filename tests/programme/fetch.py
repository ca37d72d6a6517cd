"""Asks a running node for what is checked once it has stopped.
    fetch.py DIR    DIR: the folder of `inzage sandbox --programme`; what is fetched goes there"""

import json
import sys
import time

from node import Node

# What tells how far a node is behind its own log.
BEHIND = ("inzage_audit_index_behind", "inzage_figures_behind", "inzage_matrix_behind")
PATIENCE_SECONDS = 3600


def settle(node, records):
    """Waits until everything is counted: before its first look a node tells of nothing to do, so it must have seen something."""
    began = time.monotonic()
    while True:
        node.settle(BEHIND, PATIENCE_SECONDS)
        counted = node.metrics().get("inzage_figures_records_total", 0) >= records
        if counted and node.json("/api/v1/matrix?window=quarter&limit=1")["total"]:
            return time.monotonic() - began
        if time.monotonic() > began + PATIENCE_SECONDS:
            raise TimeoutError("the node does not count")
        time.sleep(0.5)


def matrix(node):
    """Every combination that was tried in the last 30 days."""
    found, after = [], 0
    while after is not None:
        page = node.json(f"/api/v1/matrix?window=30-days&limit=500&after={after}")
        found += page["combinations"]
        after = page.get("next")
    return found


def main(folder):
    node = Node(folder)
    waited = settle(node, json.loads((node.folder / "programme.json").read_text())["records"])
    print(f"everything was counted {waited:.0f} s after the start")
    (node.folder / "fetched-register.toml").write_bytes(node.get("/api/v1/register-files/toml")[1])
    (node.folder / "fetched-matrix.json").write_text(json.dumps(matrix(node)))


if __name__ == "__main__":
    main(*sys.argv[1:])
