"""How long the pages of the programme take at the size of the country: every kind of page that the first ones lead to, 20 times each.
    pages.py DIR [BAR-MS]    DIR: the folder of `inzage sandbox --programme`, whose node runs and has counted everything"""

import html
import re
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/programme"))
from node import Node

FIRST = ["/monitor", "/matrix", "/register"]
TIMES, KINDS, EACH = 20, 60, 2


def kind(path):
    """What pages have in common: their address without the names in it."""
    place, _, query = path.partition("?")
    named = re.compile(r"[0-9@.:]|^(aster|berk|ceder|dennen|esdoorn|coalitie|regio)")
    parts = ["*" if named.search(part) else part for part in place.split("/")]
    asked = sorted({pair.partition("=")[0] for pair in query.split("&") if pair})
    return "/".join(parts) + ("?" + "&".join(asked) if asked else "")


def links(page):
    found = re.findall(r'href="(/[^"#]*)"', page)
    return [html.unescape(one) for one in found if one.startswith(tuple(FIRST))]


def walk(node):
    """Some pages of each kind."""
    kinds, queue, seen = {}, list(FIRST), set()
    while queue and len(kinds) < KINDS:
        path = queue.pop(0)
        of = kinds.setdefault(kind(path), [])
        if path in seen or len(of) >= EACH:
            continue
        seen.add(path)
        status, body, _ = node.get(path, "text/html")
        if status != 200:
            print(f"  {status} {path}")
            continue
        of.append(path)
        queue.extend(links(body.decode(errors="replace")))
    return {name: paths for name, paths in kinds.items() if paths}


def main(folder, bar="200"):
    node, bar, slow = Node(folder), float(bar), []
    kinds = walk(node)
    print(f"{'page':60} {'KiB':>7} {'median ms':>10} {'p99 ms':>8}")
    for name, paths in sorted(kinds.items()):
        times, size = [], 0
        for path in paths:
            for _ in range(TIMES):
                _, body, took = node.get(path, "text/html")
                times.append(took * 1000)
                size = max(size, len(body))
        times.sort()
        median, worst = statistics.median(times), times[min(len(times) - 1, int(len(times) * 0.99))]
        print(f"{name:60} {size / 1024:7.0f} {median:10.1f} {worst:8.1f}")
        if median > bar:
            slow.append(name)
    print(f"pages: {len(kinds)} kinds, {len(slow)} with a median over {bar:.0f} ms")
    return not slow


if __name__ == "__main__":
    sys.exit(0 if main(*sys.argv[1:]) else 1)
