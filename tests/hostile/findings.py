"""Reads what testssl.sh found of one listener: nothing above "info" but what is known and has its reason here.

    findings.py FILE     the file that --jsonfile wrote
"""
import json
import sys
from pathlib import Path

KNOWN = {
    # Of the sandbox: its certificates are of a moment ago and of nobody's authority, its name is in no DNS, its port is not 443.
    "cert_validityPeriod", "cert_revocation", "cert_revocation_CRL", "cert_revocation_OCSP", "DNS_CAArecord", "HTTP_status_code",
    # Of the tool: what its OpenSSL cannot do, and what it cannot ask where a client certificate is required.
    "engine_problem", "service", "secure_client_renego", "BREACH", "sessionresumption_ticket",
    # Ours: every suite of the list is good, so the client chooses among them (it knows whether it has AES in hardware).
    "cipher_order",
}
WANTED = {"TLS1_2": "offered", "TLS1_3": "offered", "SSLv2": "not offered", "SSLv3": "not offered", "TLS1": "not offered",
          "TLS1_1": "not offered"}


def main():
    findings = json.loads(Path(sys.argv[1]).read_text())
    faults = [f"{found['severity']} {found['id']}: {found['finding']}" for found in findings
              if found["severity"] not in ("OK", "INFO") and found["id"] not in KNOWN]
    said = {found["id"]: found["finding"] for found in findings}
    faults += [f"{name}: {said.get(name)}" for name, wanted in WANTED.items() if not said.get(name, "").startswith(wanted)]
    fine = sum(found["severity"] == "OK" for found in findings)
    print("\n".join(faults))
    print(f"testssl: {len(findings)} findings, {fine} good, {len(faults)} faults")
    sys.exit(bool(faults) or fine < 30)


main()
