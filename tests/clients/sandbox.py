"""What the Python clients share: where the sandbox is, and a person who presses the buttons of its pages."""

import json
import socket
import sys
import urllib.parse
import xml.etree.ElementTree as xml
from html.parser import HTMLParser
from pathlib import Path

import requests

SERVICE, ROLE = "49", "MM-2.0-HGB-FHIR"


def local_names():
    """Lets names under .localhost lead to this machine, where the resolver does not (sandbox contract)."""
    resolve = socket.getaddrinfo
    to = lambda host: "127.0.0.1" if isinstance(host, str) and host.endswith(".localhost") else host
    socket.getaddrinfo = lambda host, *rest, **named: resolve(to(host), *rest, **named)


class Sandbox:
    def __init__(self, directory):
        local_names()
        self.directory = Path(directory)
        self.told = json.loads((self.directory / "sandbox.json").read_text())
        self.ca = str(self.directory / self.told["ca"])
        self.patient = self.told["patients"][0]

    def client(self, name):
        return self.told["clients"][name]

    def certificate(self, name):
        client = self.client(name)
        return tuple(str(self.directory / client[part]) for part in ("cert", "key"))

    def services(self, name):
        """Every service of every practice in the ZAL: practice, number, authorization, token and resource endpoints."""
        text = requests.get(self.told["lists"]["zal"], verify=self.ca, cert=self.certificate(name), timeout=10).content
        tag = lambda element: element.tag.rsplit("}", 1)[-1]
        find = lambda element, name: [found for found in element.iter() if tag(found) == name]
        for provider in find(xml.fromstring(text), "Zorgaanbieder"):
            practice = find(provider, "Zorgaanbiedernaam")[0].text
            for service in find(provider, "Gegevensdienst"):
                uri = lambda element, name: find(element, name)[0].text
                roles = {uri(role, "Systeemrolcode"): uri(role, "ResourceEndpointuri") for role in find(service, "Systeemrol")}
                ends = uri(service, "AuthorizationEndpointuri"), uri(service, "TokenEndpointuri")
                yield practice, uri(service, "GegevensdienstId"), *ends, roles

    def endpoints(self, name):
        """Reads the endpoints of the first patient's practice from the ZAL, as a PGO does."""
        for practice, service, authorization, token, roles in self.services(name):
            if (practice, service) == (self.patient["provider"], SERVICE):
                return authorization, token, roles[ROLE]
        sys.exit("the ZAL does not list the practice")


class Form(HTMLParser):
    """The one form of a page."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields, self.names = None, {}, set()
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form":
            self.action = given.get("action")
        if tag in ("input", "button") and "name" in given:
            self.names.add(given["name"])
            if given.get("type") == "hidden":
                self.fields[given["name"]] = given.get("value", "")


def walk(sandbox, url, redirect_uri):
    """A willing person, from the authorization request to the address that leads back to the client."""
    browser = requests.Session()
    browser.verify, browser.trust_env = sandbox.ca, False
    reply = browser.get(url, allow_redirects=False, timeout=10)
    for _ in range(12):
        if reply.is_redirect:
            to = urllib.parse.urljoin(reply.url, reply.headers["location"])
            if to.startswith(redirect_uri):
                return to
            reply = browser.get(to, allow_redirects=False, timeout=10)
            continue
        form = Form(reply.text)
        if form.action is None:
            sys.exit(f"the walk ended on a page: {reply.status_code}")
        press = {"action": "continue"}
        if "bsn" in form.names:
            press = {"bsn": sandbox.patient["bsn"], "action": "login"}
        elif "answer" in form.names:
            press = {"answer": "allow"}
        origin = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(reply.url))
        to = urllib.parse.urljoin(reply.url, form.action)
        headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
        reply = browser.post(to, data={**form.fields, **press}, headers=headers, allow_redirects=False, timeout=10)
    sys.exit("the walk does not end")
