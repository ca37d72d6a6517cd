"""Holds what a node makes of a simulated year against an independent count of the same year.
    check.py DIR PROGRAM    DIR: the folder of `inzage sandbox --programme` that has stopped, with what fetch.py fetched before;
                            ends with a line of counts"""

import datetime
import functools
import json
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import year as counted

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


def matrix(checks, found, told):
    """The matrix names the combinations that were made to fail, each with its step and code, and no other."""
    named = lambda one, step: (one["installation"], one["version"], one["client"], one["service"], step, one["code"])
    step = lambda fault: f"request {fault['query']}" if fault["query"] else fault["step"]
    failing = sorted(named(one, one["step"]) for one in found if one["verdict"] == "fails")
    checks.hold("combinations that fail", sorted(named(fault, step(fault)) for fault in told["faults"]), failing)
    checks.hold("some combinations work", True, any(one["verdict"] == "works" for one in found))
    print(f"matrix: {len(found)} combinations, {len(failing)} fail")
    for one in failing:
        print("  " + " ".join(one))


def figures(checks, exact, found):
    """One scope in one period: each figure that is exact by its definition exactly, and each estimate by its error."""
    what = f"{found['scope']} {found['period']}"
    for name in ("practices", "enrolled_16", "practices_with_viewer", "first_retrievals"):
        checks.hold(f"{what} {name}", exact[name], found[name])
    checks.hold(f"{what} practices by channel", exact["practices_with_viewer_by_channel"], found["practices_with_viewer_by_channel"])
    for name in ("viewers", "repeat"):
        checks.near(f"{what} {name}", exact[name], found[name])
    for channel in ("pgo", "portal"):
        checks.near(f"{what} viewers by {channel}", exact["by_channel"][channel], found["by_channel"][channel])
    checks.hold(f"{what} services with viewers", sorted(exact["by_service"]), sorted(found["by_service"]))
    for service in found["by_service"]:
        checks.near(f"{what} viewers of {service}", exact["by_service"].get(service, 0), found["by_service"][service])
    ends = ("succeeded", "failed", "aborted")
    requests = {(of["channel"], of["service"], end): of[end] for of in found["requests"] for end in ends if of[end]}
    checks.hold(f"{what} requests", dict(exact["requests"]), requests)
    waiting(checks, what, exact["waiting"], found["waiting"])


def waiting(checks, what, times, found):
    """The median is one of those that half of the requests took at most, up to the width of its bin."""
    if not times or found is None:
        return checks.hold(f"{what} waiting", bool(times), found is not None)
    checks.hold(f"{what} requests with a time", len(times), found["of"])
    low, high = times[(len(times) - 1) // 2], times[len(times) // 2]
    error = found["error"] + 0.001
    is_near = low * (1 - error) <= found["seconds"] <= high * (1 + error)
    checks.hold(f"{what} median of {low:.3f} to {high:.3f} s, {found['seconds']:.3f} s is near", True, is_near)


def dumped(checks, asked, exact):
    """Every scope and period that a command prints."""
    scopes = Counter()
    with subprocess.Popen(asked, stdout=subprocess.PIPE, text=True) as dump:
        for line in dump.stdout:
            found = json.loads(line)
            counted_by_us = exact(found["scope"], found["period"])
            figures(checks, counted_by_us, found)
            if "--anew" not in asked:
                on_the_list(checks, counted_by_us, found)
            scopes[found["scope"].partition(":")[0]] += 1
    checks.hold("report dump", 0, dump.returncode)
    print(f"figures{' counted anew' if '--anew' in asked else ''}: {dict(scopes)}")


def on_the_list(checks, exact, found):
    """Whom the ZAL named at the end of the period; a practice also since when."""
    what = f"{found['scope']} {found['period']}"
    checks.hold(f"{what} on the ZAL", exact["on_zal"], found["on_zal"])
    if found["scope"].startswith("practice:"):
        checks.hold(f"{what} on the ZAL since", exact["on_zal_since"], found["on_zal_since"])


def main(folder, program):
    folder, checks = Path(folder), Checks()
    told = json.loads((folder / "programme.json").read_text())
    entries = tomllib.loads((folder / "fetched-register.toml").read_text())
    year = counted.Year(folder)
    log(checks, year, told)
    register(checks, entries, told)
    matrix(checks, json.loads((folder / "fetched-matrix.json").read_text()), told)
    verified = subprocess.run([program, "audit", "verify", folder / "gateway/audit"], capture_output=True, text=True)
    checks.hold("audit verify", 0, verified.returncode)
    known = counted.Register(entries, counted.stays(folder / "programme-zal.csv"), datetime.date.fromisoformat(told["until"]))
    exact = functools.cache(lambda scope, period: counted.figures(year, known, scope, period))
    for way in ([], ["--anew"]):
        dumped(checks, [program, "report", "dump", "--config", folder / "gateway.toml", *way], exact)
    print(f"of {year.count} records, {told['people']} people and {told['practices']} practices")
    checks.spread()
    return checks.end()


if __name__ == "__main__":
    sys.exit(0 if main(*sys.argv[1:]) else 1)
