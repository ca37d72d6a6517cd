"""Holds what a node makes of a simulated year against an independent count of the same year.
    check.py DIR PROGRAM    DIR: the folder of `inzage sandbox --programme`, whose node runs; ends with a line of counts"""

import json
import subprocess
import sys
import tomllib

import year as counted
from node import Node

# Estimates may be off by chance: one in 370 by more than three standard errors, and none by more than five.
SIGMAS, BEYOND, NEVER = 3, 0.01, 5


class Checks:
    def __init__(self):
        self.count, self.failed, self.estimates = 0, [], []

    def hold(self, what, expected, found):
        self.count += 1
        if expected != found:
            self.failed.append(f"{what}: counted {expected}, the node says {found}")

    def near(self, what, exact, found):
        """A distinct count of the node, exact or with its standard error beside it."""
        if found["exact"]:
            return self.hold(what, exact, found["count"])
        self.count += 1
        off = abs(found["count"] - exact)
        # A count is a whole number: half of one is rounding.
        sigmas = max(off - 0.5, 0) / (found["error"] * exact) if exact and found["error"] else (0 if off == 0 else NEVER + 1)
        self.estimates.append(sigmas)
        if sigmas > NEVER:
            self.failed.append(f"{what}: counted {exact}, the node estimates {found['count']}, {sigmas:.1f} standard errors off")

    def spread(self):
        """Of all estimates no more than chance allows lie far off."""
        if self.estimates:
            far = sum(sigmas > SIGMAS for sigmas in self.estimates)
            self.count += 1
            if far > max(BEYOND * len(self.estimates), 1):
                self.failed.append(f"{far} of {len(self.estimates)} estimates are off by more than {SIGMAS} standard errors")
            print(f"estimates: {len(self.estimates)}, {far} off by more than {SIGMAS} standard errors, at most {max(self.estimates):.2f}")

    def end(self):
        for text in self.failed[:40]:
            print(f"FAILED {text}")
        if len(self.failed) > 40:
            print(f"and {len(self.failed) - 40} more")
        print(f"programme: {self.count} checks, {len(self.failed)} failed")
        return not self.failed


def log(checks, year, told):
    """The log is what the simulation says that it wrote, and what the node added since."""
    checks.hold("records of the year are there", True, year.count >= told["records"])
    checks.hold("people that nobody drew", 0, year.unknown)
    checks.hold("intents and outcomes", year.kinds["disclosure_intent"], year.kinds["disclosure_outcome"])


def register(checks, entries, told):
    practices = entries["practice"]
    checks.hold("practices", told["practices"], len(practices))
    checks.hold("coalitions", told["coalitions"], len(entries["coalition"]))
    checks.hold("patients", told["patients"], sum(one["patients"] for one in practices))
    codes = {one["agb"] for one in practices}
    checks.hold("AGB codes", len(practices), len(codes))


def main(folder, program):
    node, checks = Node(folder), Checks()
    told = json.loads((node.folder / "programme.json").read_text())
    entries = tomllib.loads(node.get("/api/v1/register-files/toml")[1].decode())
    year = counted.Year(folder)
    log(checks, year, told)
    register(checks, entries, told)
    verified = subprocess.run([program, "audit", "verify", node.folder / "gateway/audit"], capture_output=True, text=True)
    checks.hold("audit verify", 0, verified.returncode)
    return checks.end()


if __name__ == "__main__":
    sys.exit(0 if main(*sys.argv[1:]) else 1)
