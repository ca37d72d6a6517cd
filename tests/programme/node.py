"""The node of a sandbox, asked as an operator asks it."""

import http.client
import json
import re
import socket
import ssl
import time
import urllib.parse
import urllib.request
from pathlib import Path


class Node:
    def __init__(self, folder):
        resolve = socket.getaddrinfo
        to = lambda host: "127.0.0.1" if isinstance(host, str) and host.endswith(".localhost") else host
        socket.getaddrinfo = lambda host, *rest, **named: resolve(to(host), *rest, **named)
        self.folder = Path(folder)
        told = json.loads((self.folder / "sandbox.json").read_text())
        self.ops, self.admin = told["ops"], told["admin"]["url"]
        self.tls = ssl.create_default_context(cafile=self.folder / told["ca"])
        reader = told["admin"]["operators"][0]
        self.tls.load_cert_chain(self.folder / reader["cert"], self.folder / reader["key"])
        self.connection = None

    def get(self, path, accept="application/json"):
        """Status, body, and the seconds until the last byte, on a connection that stays."""
        parts = urllib.parse.urlsplit(self.admin)
        if self.connection is None:
            self.connection = http.client.HTTPSConnection(parts.hostname, parts.port, context=self.tls, timeout=120)
            self.connection.connect()
        began = time.perf_counter()
        self.connection.request("GET", path, headers={"Accept": accept})
        answer = self.connection.getresponse()
        body = answer.read()
        took = time.perf_counter() - began
        if answer.will_close:
            self.connection.close()
            self.connection = None
        return answer.status, body, took

    def json(self, path):
        status, body, _ = self.get(path)
        if status != 200:
            raise ValueError(f"{path} answers {status}: {body[:300]!r}")
        return json.loads(body)

    def metrics(self):
        """Every metric without labels, by its name."""
        with urllib.request.urlopen(f"{self.ops}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        found = (re.fullmatch(r"([a-z_]+) ([-+.0-9e]+)", line) for line in lines)
        return {match[1]: float(match[2]) for match in found if match}

    def settle(self, names, seconds):
        """Waits until each of these metrics is 0, and gives the seconds that it took."""
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            metrics = self.metrics()
            if all(metrics.get(name) == 0 for name in names):
                return time.monotonic() - began
            time.sleep(0.5)
        raise TimeoutError(f"after {seconds} s still behind: {({name: metrics.get(name) for name in names})}")
