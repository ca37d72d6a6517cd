"""One collection as an app makes it: a willing person gives a token, and their episodes are asked for. Prints the status, and how many
there are when it is 200. With FAULTS the HIS of their practice misbehaves so between the two.

    python collect.py WORLD [FAULTS]
"""

import sys
import urllib.parse
import uuid
from pathlib import Path

import requests

sys.path.insert(0, str(Path(__file__).parent.parent / "clients"))
from sandbox import Sandbox, walk  # noqa: E402


def granted(sandbox):
    """The token that a person gives to the first PGO, and where to ask with it."""
    client = sandbox.client("pgo")
    authorization, token, resource = sandbox.endpoints("pgo")
    scope = sandbox.patient["provider"].split("@")[0]
    asked = {"response_type": "code", "client_id": client["client_id"], "redirect_uri": client["redirect_uri"],
             "scope": scope, "state": "s"}
    back = walk(sandbox, f"{authorization}?{urllib.parse.urlencode(asked)}", client["redirect_uri"])
    code = urllib.parse.parse_qs(urllib.parse.urlsplit(back).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "client_id": client["client_id"],
            "redirect_uri": client["redirect_uri"]}
    answer = requests.post(token, data=form, cert=sandbox.certificate("pgo"), verify=sandbox.ca, timeout=10)
    return answer.json()["access_token"], resource


def headers(token):
    return {"Authorization": f"Bearer {token}", "Accept": "application/fhir+json",
            "MedMij-Request-ID": str(uuid.uuid4()), "X-Correlation-ID": str(uuid.uuid4())}


def episodes(sandbox, token, resource):
    return requests.get(f"{resource}/EpisodeOfCare", headers=headers(token), cert=sandbox.certificate("pgo"),
                        verify=sandbox.ca, timeout=30)


if __name__ == "__main__":
    world = Sandbox(sys.argv[1])
    token, resource = granted(world)
    for faults in sys.argv[2:]:
        requests.post(world.told["his"][0]["control"], data=faults, timeout=10).raise_for_status()
    reply = episodes(world, token, resource)
    print(reply.status_code, reply.json()["total"] if reply.status_code == 200 else "")
