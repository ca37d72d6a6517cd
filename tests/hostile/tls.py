"""Reads what sslyze found of every listener: no version, suite or curve outside our list, nothing that it knows to be weak, and
everything asked that it can ask. Our names and addresses are those of the sandbox, so its verdict on the path is not asked.

    tls.py SANDBOX
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from door import FACES, Door

SUITES = {
    "TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
}
# P-256 has a name for each body that wrote it down.
CURVES = {"X25519", "prime256v1", "secp256r1", "secp384r1"}
OLD = ["ssl_2_0_cipher_suites", "ssl_3_0_cipher_suites", "tls_1_0_cipher_suites", "tls_1_1_cipher_suites"]
NEW = ["tls_1_2_cipher_suites", "tls_1_3_cipher_suites"]
# What must be said of each, by the words of sslyze.
VERDICTS = {
    "heartbleed": ("is_vulnerable_to_heartbleed", False),
    "openssl_ccs_injection": ("is_vulnerable_to_ccs_injection", False),
    "tls_compression": ("supports_compression", False),
    "tls_1_3_early_data": ("supports_early_data", False),
    "session_renegotiation": ("is_vulnerable_to_client_renegotiation_dos", False),
    "robot": ("robot_result", "NOT_VULNERABLE_RSA_NOT_SUPPORTED"),
    "tls_fallback_scsv": ("supports_fallback_scsv", True),
    "tls_extended_master_secret": ("supports_ems_extension", True),
}
ASKED = ["sslv2", "sslv3", "tlsv1", "tlsv1_1", "tlsv1_2", "tlsv1_3", "elliptic_curves", "heartbleed", "openssl_ccs", "compression",
         "early_data", "reneg", "robot", "fallback", "ems"]


def scan(door):
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.json"
        sslyze = Path(sys.executable).parent / "sslyze"
        command = [sys.executable, "-W", "ignore", sslyze, f"--json_out={found}", "--quiet", *(f"--{name}" for name in ASKED)]
        if door.certificate:
            certificate, key = door.certificate
            command += [f"--cert={certificate}", f"--key={key}"]
        subprocess.run([*command, f"{door.host}:{door.port}{{127.0.0.1}}"], timeout=200, stdout=subprocess.DEVNULL)
        return json.loads(found.read_text())["server_scan_results"][0]


def judge(door):
    scanned = scan(door)
    results, faults, checked = scanned["scan_result"], [], 0
    if results is None:
        return [f"{door.face}: not scanned: {scanned['connectivity_error_trace']}"], 0
    not_done = {name for name in (*OLD, *NEW, *VERDICTS, "elliptic_curves") if results[name]["status"] != "COMPLETED"}
    if not_done:
        return [f"{door.face}: {name} {results[name]['status']} {results[name]['error_trace']}" for name in not_done], 0

    for version in (*OLD, *NEW):
        result = results[version]["result"]
        accepted = {suite["cipher_suite"]["name"] for suite in result["accepted_cipher_suites"]}
        checked += len(result["accepted_cipher_suites"]) + len(result["rejected_cipher_suites"])
        faults += [f"{door.face} {version}: {suite}" for suite in sorted(accepted - (SUITES if version in NEW else set()))]
        if version in NEW and not accepted:
            faults.append(f"{door.face} {version}: not spoken")
    curves = {curve["name"] for curve in results["elliptic_curves"]["result"]["supported_curves"] or []}
    faults += [f"{door.face}: curve {curve}" for curve in sorted(curves - CURVES)]
    for name, (key, wanted) in VERDICTS.items():
        found = results[name]["result"][key]
        if found != wanted:
            faults.append(f"{door.face} {name}: {key} is {found}")
    return faults, checked + len(curves) + len(VERDICTS)


def main():
    faults, checked = [], 0
    for face in FACES:
        wrong, count = judge(Door(sys.argv[1], face))
        faults, checked = faults + wrong, checked + count
    print("\n".join(faults))
    print(f"sslyze: {len(FACES)} listeners, {checked} checked, {len(faults)} outside our list")
    sys.exit(bool(faults) or checked < 400 * len(FACES))


main()
