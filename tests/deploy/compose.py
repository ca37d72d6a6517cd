"""What compose.yaml describes, run as processes of this machine: neighbours, two nodes and HAProxy with the commands and the
configuration that stand there, on other ports and beside the PostgreSQL of tests/postgres. People collect through HAProxy while one
node after the other is restarted: no request may fail, and both nodes must have answered.

    tests/postgres python compose.py DEPLOY PROGRAM
"""

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
import uuid
from pathlib import Path

import requests
import yaml

from collect import episodes, granted
from sandbox import Sandbox

PATIENCE = 120
deploy, program = Path(sys.argv[1]), sys.argv[2]
server = os.environ["INZAGE_TEST_POSTGRES_URL"]


def free(port):
    with contextlib.closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def shift():
    """To ports that nobody uses: every port in the files lies between 8440 and 8700."""
    for _ in range(50):
        by = random.randrange(2000, 11000, 300)
        if all(free(8440 + by + offset) for offset in range(260)):
            return by
    sys.exit("there are no free ports")


def until(what, attempt):
    for _ in range(PATIENCE * 20):
        if found := attempt():
            return found
        time.sleep(0.05)
    sys.exit(f"no {what} within {PATIENCE} s")


class Composition:
    def __init__(self, directory):
        self.directory, self.by, self.processes = Path(directory), shift(), {}
        self.services = yaml.safe_load(self.moved((deploy / "compose" / "compose.yaml").read_text()))["services"]
        self.database = f"inzage_compose_{uuid.uuid4().hex}"
        self.sql(f"CREATE DATABASE {self.database}")

    def moved(self, text):
        text = re.sub(r"\b8[456]\d\d\b", lambda port: str(int(port[0]) + self.by), text)
        return text.replace("/var/lib/inzage", str(self.directory))

    def sql(self, statement):
        psql = Path(os.environ.get("INZAGE_TEST_POSTGRES_BIN", "")) / "psql"
        subprocess.run([psql if psql.exists() else "psql", "--quiet", "--dbname", server, "--command", statement], check=True)

    def start(self, name):
        command = list(self.services[name]["command"])
        if "--store" in command:
            at = command.index("--store") + 1
            command[at] = urllib.parse.urlsplit(server)._replace(path="/" + self.database).geturl()
        self.spawn(name, [program, *command])

    def spawn(self, name, command):
        with open(self.directory / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def balance(self):
        configuration = self.directory / "haproxy.cfg"
        configuration.write_text(self.moved((deploy / "compose" / "haproxy.cfg").read_text()))
        self.spawn("balancer", ["haproxy", "-f", str(configuration)])

    def balances(self):
        assert self.processes["balancer"].poll() is None, (self.directory / "balancer.log").read_text()
        return not free(8442 + self.by)

    def healthy(self, name):
        """As the healthcheck of the file asks."""
        test = self.services[name]["healthcheck"]["test"]
        assert test[:2] == ["CMD", "/inzage"], test
        return subprocess.run([program, *test[2:]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def ready(self, name):
        def well():
            assert self.processes[name].poll() is None, (self.directory / f"{name}.log").read_text()[-2000:]
            return self.healthy(name)
        until(f"readiness of {name}", well)

    def restart(self, name):
        self.processes[name].send_signal(signal.SIGTERM)
        code = self.processes[name].wait(PATIENCE)
        assert code == 0, f"{name} ended with {code}"
        self.start(name)
        self.ready(name)

    def answered(self, offset):
        """Answers on the FHIR route of the node whose operations port lies there."""
        metrics = urllib.request.urlopen(f"http://127.0.0.1:{8490 + self.by + offset}/metrics", timeout=5).read().decode()
        found = re.findall(r'^inzage_answers_total\{[^}]*route="fhir"[^}]*\} (\d+)', metrics, re.M)
        return sum(map(int, found))

    def end(self):
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(PATIENCE)
        self.sql(f"DROP DATABASE {self.database} WITH (FORCE)")


class Collecting:
    """Somebody's app, that asks over a new connection each time."""

    def __init__(self, sandbox):
        self.sandbox, self.done, self.failures, self.stop = sandbox, 0, [], threading.Event()
        self.token, self.resource = granted(sandbox)
        self.threads = [threading.Thread(target=self.collect) for _ in range(4)]

    def collect(self):
        while not self.stop.is_set():
            try:
                reply = episodes(self.sandbox, self.token, self.resource)
                if reply.status_code != 200:
                    self.failures.append(f"{reply.status_code}: {reply.text[:200]}")
            except requests.RequestException as error:
                self.failures.append(str(error))
            self.done += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def more(self, count):
        target = self.done + count
        until(f"{count} more requests", lambda: self.done >= target)


with tempfile.TemporaryDirectory(prefix="inzage-compose-") as directory:
    all_of_it = Composition(directory)
    try:
        all_of_it.start("neighbours")
        until("sandbox", lambda: (Path(directory) / "world" / "sandbox.json").exists())
        for node in "node-a", "node-b":
            all_of_it.start(node)
        for node in "node-a", "node-b":
            all_of_it.ready(node)
        all_of_it.balance()
        until("balancer", all_of_it.balances)
        # Both are known to be well when HAProxy has asked each of them.
        time.sleep(1)
        with Collecting(Sandbox(Path(directory) / "world")) as app:
            app.more(50)
            before = [all_of_it.answered(offset) for offset in (100, 200)]
            for node, offset in ("node-a", 100), ("node-b", 200):
                all_of_it.restart(node)
                # HAProxy finds out by itself that the node is back; the other one may go only then.
                until(f"requests to {node}", lambda: all_of_it.answered(offset) > 0)
                app.more(50)
            after = [all_of_it.answered(offset) for offset in (100, 200)]
        print(f"{app.done} requests over two restarts, {len(app.failures)} failed; answered before {before}, since {after}")
        assert not app.failures, app.failures[:3]
        assert all(before) and all(after), "a node got no request"
    finally:
        all_of_it.end()
