"""Replays the hand-classified requests of http_desync_guardian, each with a marker request after it on the same connection.

    desync.py SANDBOX FOLDER     FOLDER: the YAML files of its package

A request that its authors call severe must be refused and end the connection; for none may an answer come to the marker that was
not asked for: never more answers than requests, and none to the marker once one was refused.
"""
import pathlib
import re
import socket
import sys

import yaml
from door import Door

MARKER = "/assets/inzage.css"
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


def octets(text):
    return str(text).encode()


def request(case, host):
    lines = [b" ".join(octets(case[part]) for part in ("method", "uri", "version"))]
    headers = case.get("headers") or []
    named = {str(header["name"]).strip().lower() for header in headers}
    if "host" not in named:
        lines.append(b"Host: " + host.encode())
    for header in headers:
        value = host if str(header["name"]).strip().lower() == "host" else header["value"]
        lines.append(octets(header["name"]) + b": " + octets("" if value is None else value))
    return b"\r\n".join(lines) + b"\r\n\r\n"


def ask(door, tls, sent):
    with socket.create_connection(("127.0.0.1", door.port), timeout=15) as tcp, tls.wrap_socket(tcp, server_hostname=door.host) as stream:
        stream.sendall(sent)
        heard = b""
        try:
            while more := stream.recv(65536):
                heard += more
        except OSError:
            pass
    return heard


def judge(case, door, tls):
    marker = f"GET {MARKER} HTTP/1.1\r\nHost: {door.authority}\r\nConnection: close\r\n\r\n".encode()
    heard = ask(door, tls, request(case, door.authority) + marker)
    # What stands in a body is no status line: a stylesheet has none.
    statuses = [int(status) for status in STATUS.findall(heard)]
    refused = [status for status in statuses if status in (400, 405, 413, 414, 417, 421, 431, 501, 505)]
    if len(statuses) > 2:
        return f"{len(statuses)} answers to two requests: {statuses}"
    if case["expected"]["tier"] == "Severe":
        if statuses and statuses[0] == 200:
            return f"answered: {statuses}"
        if b"text/css" in heard and len(statuses) == 1:
            return "only the marker was answered"
        if b"text/css" in heard and refused:
            return f"the marker was executed after a refusal: {statuses}"
    return None


# As many as version 0.1.3 of the package brings: fewer would mean that they were not read.
CASES = 159


def main():
    door = Door(sys.argv[1], "front")
    tls = door.tls(["http/1.1"])
    files = sorted(pathlib.Path(sys.argv[2]).glob("*.yaml"))
    cases = [(file.stem, case) for file in files for case in yaml.safe_load(file.read_text()) or [] if "expected" in case]
    faults, tiers = [], {}
    for file, case in cases:
        tier = case["expected"]["tier"]
        tiers[tier] = tiers.get(tier, 0) + 1
        if fault := judge(case, door, tls):
            faults.append(f"{file}: {case['name']} ({tier}): {fault}")
    print("\n".join(faults))
    print(f"desync: {len(cases) - len(faults)} passed, {len(faults)} failed ({tiers})")
    sys.exit(bool(faults) or len(cases) != CASES)


main()
