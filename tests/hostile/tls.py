"""Reads what sslyze found of both listeners: no version, suite or curve outside our list, and mutual TLS where it is required.

    tls.py SANDBOX
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from door import Door

SUITES = {
    "TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
}
CURVES = {"X25519", "prime256v1", "secp384r1"}
OLD = ["ssl_2_0_cipher_suites", "ssl_3_0_cipher_suites", "tls_1_0_cipher_suites", "tls_1_1_cipher_suites"]
NOT_VULNERABLE = {
    "heartbleed": "is_vulnerable_to_heartbleed", "openssl_ccs_injection": "is_vulnerable_to_ccs_injection",
    "tls_compression": "supports_compression", "tls_1_3_early_data": "supports_early_data",
    "session_renegotiation": "is_vulnerable_to_client_renegotiation_dos",
}


def scan(door):
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.json"
        command = [str(Path(sys.executable).parent / "sslyze"), f"--json_out={found}", "--quiet"]
        if door.face == "back":
            command += [f"--cert={door.folder / 'pgo.pem'}", f"--key={door.folder / 'pgo.key'}"]
        # The exit code is that of a comparison with a profile of Mozilla, and the path check fails by design: our own authority.
        subprocess.run([*command, f"{door.host}:{door.port}{{127.0.0.1}}"], timeout=200, stdout=subprocess.DEVNULL)
        return json.loads(found.read_text())["server_scan_results"][0]


def judge(door):
    scanned = scan(door)
    results, faults, checked = scanned["scan_result"], [], 0
    if results is None:
        return [f"{door.face}: not scanned: {scanned['connectivity_error_trace']}"], 0

    def result(name):
        return results[name]["result"]

    for version in [*OLD, "tls_1_2_cipher_suites", "tls_1_3_cipher_suites"]:
        accepted = {suite["cipher_suite"]["name"] for suite in result(version)["accepted_cipher_suites"]}
        checked += len(result(version)["accepted_cipher_suites"]) + len(result(version)["rejected_cipher_suites"])
        allowed = set() if version in OLD else SUITES
        faults += [f"{door.face} {version}: {suite}" for suite in sorted(accepted - allowed)]
        if version not in OLD and not accepted:
            faults.append(f"{door.face} {version}: not spoken")
    curves = {curve["name"] for curve in result("elliptic_curves")["supported_curves"] or []}
    faults += [f"{door.face}: curve {curve}" for curve in sorted(curves - CURVES)]
    for name, key in NOT_VULNERABLE.items():
        checked += 1
        if results[name]["status"] != "COMPLETED":
            faults.append(f"{door.face}: {name} {results[name]['status']} {results[name]['error_reason']} {results[name]['error_trace']}")
        elif result(name).get(key):
            faults.append(f"{door.face}: {name}")
    return faults, checked + len(curves)


def main():
    faults, checked = [], 0
    for face in ("front", "back"):
        wrong, count = judge(Door(sys.argv[1], face))
        faults, checked = faults + wrong, checked + count
    print("\n".join(faults))
    print(f"sslyze: {checked} checked, {len(faults)} outside our list")
    sys.exit(bool(faults) or checked < 300)


main()
