"""The models of fhir.resources as an audit repository: they accept every AuditEvent of an export, one by one and in Bundles;
and the csv module of Python as a spreadsheet, which finds as many rows, and no formula."""

import csv
import json
import sys
from collections import Counter
from pathlib import Path

from fhir.resources import R4B

from sandbox import Sandbox

sandbox = Sandbox(sys.argv[1])
folder = Path(sys.argv[1])
BSNS = [patient["bsn"] for patient in sandbox.told["patients"]]
model = R4B.get_fhir_model_class("AuditEvent")
bundle_model = R4B.get_fhir_model_class("Bundle")

lines = (folder / "audit.fhir").read_text().splitlines()
events = [model.model_validate_json(line) for line in lines]
raw = [json.loads(line) for line in lines]
assert len({event.id for event in events}) == len(events) > 100, f"{len(events)} events"

bundle = bundle_model.model_validate_json((folder / "audit.bundle").read_text())
assert bundle.type == "collection" and len(bundle.entry) == len(events)
assert [entry.resource.id for entry in bundle.entry] == [event.id for event in events]
assert len({entry.fullUrl for entry in bundle.entry}) == len(events)

with open(folder / "audit.csv", newline="") as file:
    rows = list(csv.DictReader(file))
assert [row["index"] for row in rows] == [event.id.rpartition(".")[2] for event in events]
for row in rows:
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values()), row
nen = [line.split("\t") for line in (folder / "audit.nen7513").read_text().splitlines()]
assert len(nen) == len(events) + 1 and all(len(line) == len(nen[0]) for line in nen)

kinds, profiles = Counter(row["kind"] for row in rows), Counter()
for event, plain in zip(events, raw):
    profile = plain.get("meta", {}).get("profile", ["none"])[0].rpartition("/")[2]
    profiles[profile] += 1
for name in "fhir", "bundle", "csv", "nen7513":
    text = (folder / f"audit.{name}").read_text()
    assert not any(bsn in text for bsn in BSNS), f"a BSN in audit.{name}"
for kind in "consent_given", "token_issued", "disclosure_outcome", "submission_outcome", "resource_refused":
    assert kinds[kind], f"no {kind} in the log"
for profile, count in sorted(profiles.items()):
    print(f"   {count:5} {profile}")
assert profiles["IHE.BasicAudit.AuthZconsent"], "no event conforms to AuthZconsent"
