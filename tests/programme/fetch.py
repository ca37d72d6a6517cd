"""Asks a running node for what is checked once it has stopped.
    fetch.py DIR    DIR: the folder of `inzage sandbox --programme`; what is fetched goes there"""

import sys

from node import Node


def main(folder):
    node = Node(folder)
    (node.folder / "fetched-register.toml").write_bytes(node.get("/api/v1/register-files/toml")[1])


if __name__ == "__main__":
    main(*sys.argv[1:])
