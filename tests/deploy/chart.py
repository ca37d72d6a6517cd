"""The chart: linted and rendered by Helm itself, held against the schemas of Kubernetes, and against what its schema must refuse.

    chart.py CHART CONFIGURATION
"""

import json
import sys
from pathlib import Path

import helm_python as helm
import kubernetes_validate
import yaml

# The oldest that the chart allows, and the newest whose schemas there are.
VERSIONS = "1.30", "1.37"
# No package has its schema: its form is looked at here, by hand.
MONITOR = "ServiceMonitor"

chart_path, configuration = sys.argv[1], Path(sys.argv[2]).read_text()
faults = []


def expect(holds, what):
    if not holds:
        faults.append(what)


def rendered(chart, values):
    texts = chart.render(values, name="inzage", namespace="health")
    named = {name: text for name, text in texts.items() if name.endswith(".yaml")}
    return [document for text in named.values() for document in yaml.safe_load_all(text) if document]


def hold(document):
    """Against each version of the schemas: no field that is not known, none that is missing."""
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except Exception as error:  # whatever it says, it is a fault of the chart
            faults.append(f"{document['kind']} in Kubernetes {version}: {str(error).splitlines()[0]}")


def look_at_pod(pod):
    """What nobody may lose sight of."""
    expect(pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"], "the pod runs as somebody")
    for container in pod["containers"]:
        context = container["securityContext"]
        strict = context["readOnlyRootFilesystem"] and not context["allowPrivilegeEscalation"] and context["capabilities"]["drop"] == ["ALL"]
        expect(strict, f"{container['name']} may do more than it needs")
    node = pod["containers"][0]
    for probe in "startupProbe", "livenessProbe", "readinessProbe":
        expect(node[probe]["exec"]["command"][:2] == ["/inzage", "healthcheck"], f"{probe} asks something else")
    expect("--live" not in node["readinessProbe"]["exec"]["command"], "readiness is more than life")
    expect(node["args"][-1] == "$(NODE_NAME)", "a node is named after its pod")


def look_at_monitor(document):
    expect(document["apiVersion"] == "monitoring.coreos.com/v1" and document["spec"]["endpoints"][0]["path"] == "/metrics", "the monitor")


def refused(chart, values):
    try:
        chart.render(values, name="inzage", namespace="health")
    except helm.HelmError:
        return True
    return False


plain = {"config": configuration}
everything = {
    **plain,
    "image": {"repository": "registry.example/inzage", "digest": "sha256:" + "0" * 64, "pullSecrets": ["pull"]},
    "metrics": {"enabled": True, "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}}},
    "autoscaling": {"enabled": True},
    "networkPolicy": {"enabled": True, "channels": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]},
    "persistence": {"storageClass": "fast", "size": "100Gi"},
    "service": {"front": {"type": "ClusterIP", "port": 443}, "back": {"type": "LoadBalancer", "port": 443, "loadBalancerIP": "10.0.0.1"}},
    "tolerations": [{"key": "health", "operator": "Exists"}],
    "nodeSelector": {"kubernetes.io/arch": "amd64"},
    "podAnnotations": {"example/a": "b"},
    "extraVolumes": [{"name": "witness", "persistentVolumeClaim": {"claimName": "witness"}}],
    "extraVolumeMounts": [{"name": "witness", "mountPath": "/srv/witness"}],
}
kinds = set()
with helm.Chart.load(chart_path) as chart:
    for values in plain, everything:
        for document in rendered(chart, values):
            kinds.add(document["kind"])
            if document["kind"] == MONITOR:
                look_at_monitor(document)
                continue
            hold(document)
            if document["kind"] == "StatefulSet":
                look_at_pod(document["spec"]["template"]["spec"])
            if document["kind"] == "ConfigMap" and "inzage.toml" in document["data"]:
                expect(document["data"]["inzage.toml"].strip() == configuration.strip(), "the configuration is not what was given")
    for wrong in [
        {},
        {**plain, "replica": 2},
        {**plain, "replicas": 0},
        {**plain, "fullnameOverride": "inzage-gateways"},
        {**plain, "ports": {"front": 443, "back": 8442, "operations": 8490}},
        {**plain, "secrets": {"tls": "", "keys": "k", "auditKeys": "a"}},
    ]:
        expect(refused(chart, wrong), f"the schema takes {json.dumps({k: v for k, v in wrong.items() if k != 'config'})}")
wanted = {"StatefulSet", "Service", "ConfigMap", "PodDisruptionBudget", "NetworkPolicy", "HorizontalPodAutoscaler", MONITOR}
expect(kinds == wanted, f"rendered were {sorted(kinds)}")
print(*faults or [f"{len(kinds)} kinds, Kubernetes {' and '.join(VERSIONS)}"], sep="\n")
sys.exit(bool(faults))
