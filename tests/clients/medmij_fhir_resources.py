"""The models of fhir.resources as the reader of a PGO: they accept every answer of every service, in JSON and in XML, and
what they write themselves is taken in."""

import datetime
import itertools
import sys
import tomllib
import urllib.parse
import uuid
from pathlib import Path

import requests
from authlib.integrations.requests_client import OAuth2Session
from fhir.resources import R4B, STU3
from lxml import etree

from sandbox import Sandbox, walk
from sharing import document, measurements

CATALOGUE = Path(__file__).resolve().parents[2] / "src/services/default.toml"
JSON, XML = "application/fhir+json", "application/fhir+xml"
MODELS = {"stu3": STU3, "r4": R4B}
# Never a day behind the Netherlands.
TODAY = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=2))).date()
ADULT = TODAY - datetime.timedelta(days=16 * 366)
# What no service allows, and the status of its refusal.
WRONG = {"Media": 404, "Patient/1": 404, "Observation/$": 400}

sandbox = Sandbox(sys.argv[1])
client = sandbox.client("pgo")
catalogue = {service["id"]: service for service in tomllib.loads(CATALOGUE.read_text())["service"]}
services = list(sandbox.services("pgo"))
pool = requests.Session()
pool.verify, pool.cert, pool.trust_env = sandbox.ca, sandbox.certificate("pgo"), False
adults = [patient for patient in sandbox.told["patients"] if datetime.date.fromisoformat(patient["birth_date"]) < ADULT]
first, last = adults[0], adults[-1]["provider"]
seen = {}
refused = []


def token(patient, scope):
    """Of a willing person."""
    _, _, authorization, token_endpoint, _ = next(found for found in services if found[0] == patient["provider"])
    session = OAuth2Session(
        client["client_id"], redirect_uri=client["redirect_uri"], scope=scope, token_endpoint_auth_method="none"
    )
    session.verify, session.cert, session.trust_env = sandbox.ca, sandbox.certificate("pgo"), False
    correlation = str(uuid.uuid4())
    ids = lambda: {"MedMij-Request-ID": str(uuid.uuid4()), "X-Correlation-ID": correlation}
    url, state = session.create_authorization_url(authorization, **ids())
    sandbox.patient = patient
    back = walk(sandbox, url, client["redirect_uri"])
    return session.fetch_token(token_endpoint, authorization_response=back, state=state, headers=ids())["access_token"]


def accept(version, answer):
    """Reads an answer with the model of what it says it is."""
    media_type = answer.headers["content-type"].split(";")[0]
    where = f"{answer.request.method} {answer.request.url} {media_type} {answer.status_code}"
    if media_type == JSON:
        kind = answer.json()["resourceType"]
    elif media_type == XML:
        kind = etree.QName(etree.fromstring(answer.content)).localname
    else:
        sys.exit(f"no FHIR: {where}")
    model = MODELS[version].get_fhir_model_class(kind)
    try:
        resource = model.model_validate_json(answer.content) if media_type == JSON else model.model_validate_xml(answer.content)
    except Exception as error:
        refused.append(f"{where}: {error}")
        return None
    key = f"{kind} {resource.type}" if kind == "Bundle" else kind
    seen[version, media_type, key] = seen.get((version, media_type, key), 0) + 1
    return resource


def ask(method, version, url, expected, bearer=None, headers=(), **rest):
    """The same in JSON and in XML; the status is the expected one, and the model accepts it. Only a HIS that speaks no FHIR
    (the last) may say that it has no such data."""
    resources = []
    for media_type in (JSON, XML):
        own = {"Accept": media_type, "MedMij-Request-ID": str(uuid.uuid4()), "X-Correlation-ID": str(uuid.uuid4())}
        own |= dict(headers) | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
        answer = pool.request(method, url, headers=own, timeout=20, **rest)
        lacks = expected == 200 and answer.status_code == 404 and "not-in-his" in answer.text
        if answer.status_code != expected and not (lacks and sandbox.patient["provider"] == last):
            sys.exit(f"{method} {url}: {answer.status_code}, expected {expected}: {answer.text}")
        resources.append(accept(version, answer))
    return resources[0]


def requests_of(service):
    """One request for each search of a service and each value that it must have."""
    for search in service.get("search", []):
        path = search["resource"] + ("/$" + search["operation"] if "operation" in search else "")
        choices = []
        for parameter in search.get("parameters", []):
            name, values = parameter["name"], parameter.get("one_of", []) + parameter.get("any_of", [])
            if name == "_include":
                choices.append([[(name, value) for value in values]])
            elif "date" in parameter and parameter.get("not_before") == "today":
                choices.append([[(name, f"ge{TODAY}")]])
            elif parameter.get("required"):
                choices.append([[(name, value)] for value in values or ["ge2000-01-01"]])
        for chosen in itertools.product(*choices):
            yield path, [pair for pairs in chosen for pair in pairs]


def collect(patient):
    """Everything that one person can collect: capability statements, searches, documents, refusals."""
    bearer = token(patient, patient["provider"].removesuffix("@medmij"))
    for practice, number, _, _, roles in services:
        service = catalogue[number]
        if practice != patient["provider"] or service["purpose"] != "collect":
            continue
        version, base = service["fhir"], next(iter(roles.values()))
        ask("GET", version, f"{base}/metadata", 200)
        ask("GET", version, f"{base}/Patient", 401)
        for path, expected in WRONG.items():
            ask("GET", version, f"{base}/{path}", expected, bearer)
        for path, parameters in requests_of(service):
            bundle = ask("GET", version, f"{base}/{path}", 200, bearer, params=parameters)
            documents(version, base, bundle, bearer)
            while address := following(bundle):
                bundle = ask("GET", version, address, 200, bearer)


def following(bundle):
    """The address of the next page."""
    return next((link.url for link in getattr(bundle, "link", None) or [] if link.relation == "next"), None)


def documents(version, base, bundle, bearer):
    """The Binary of each document that was found, relative to the base (STU3 references.html)."""
    for entry in getattr(bundle, "entry", None) or []:
        if entry.resource.get_resource_type() == "DocumentReference":
            for content in entry.resource.content:
                ask("GET", version, urllib.parse.urljoin(f"{base}/", content.attachment.url), 200, bearer)


def share(patient, number, submission):
    """A submission, as the models write it, in both formats; and one that is refused."""
    roles = next(found[4] for found in services if found[:2] == (patient["provider"], number))
    version, base = catalogue[number]["fhir"], next(iter(roles.values()))
    bearer = token(patient, patient["provider"].removesuffix("@medmij") + "~" + number)
    model = STU3.get_fhir_model_class("Bundle")
    ask("GET", version, f"{base}/metadata", 200)
    prefer = {"Prefer": "return=representation"}
    ask("POST", version, base, 200, bearer, {**prefer, "Content-Type": JSON}, data=model.model_validate(submission()).model_dump_json())
    ask("POST", version, base, 200, bearer, {**prefer, "Content-Type": XML}, data=model.model_validate(submission()).model_dump_xml())
    ask("POST", version, base, 200, bearer, {"Prefer": "return=OperationOutcome", "Content-Type": JSON}, json=submission())
    ask("POST", version, base, 422, bearer, {"Content-Type": JSON}, json={"resourceType": "Bundle", "type": "searchset"})


def faults(of, **told):
    his = sandbox.told["his"][of]
    requests.post(his["control"], json=told, timeout=10).raise_for_status()


for patient in adults:
    collect(patient)
share(first, "53", measurements)
share(first, "60", document)
faults(0, fail_entry=1)
share(first, "53", measurements)
faults(0, page_size=4)
collect(first)
faults(0)

for version, media_type, kind in sorted(seen):
    print(f"   {seen[version, media_type, kind]:5} {version:5} {media_type:22} {kind}")
assert not refused, f"{len(refused)} refused\n" + "\n".join(refused[:10])
both = {"Bundle searchset", "Bundle batch-response", "Bundle transaction-response", "Binary", "CapabilityStatement", "OperationOutcome"}
for media_type in (JSON, XML):
    assert both == {kind for version, of, kind in seen if version == "stu3" and of == media_type}, f"not all was asked in {media_type}"
    assert ("r4", media_type, "Bundle searchset") in seen
