"""Authlib as the back end of a PGO: code flow with a client certificate, then a search."""

import sys
import uuid

from authlib.integrations.requests_client import OAuth2Session

from sandbox import Sandbox, walk

sandbox = Sandbox(sys.argv[1])
client = sandbox.client("pgo")
authorization, token_endpoint, resource = sandbox.endpoints("pgo")
session = OAuth2Session(
    client["client_id"],
    redirect_uri=client["redirect_uri"],
    scope=sandbox.patient["provider"].removesuffix("@medmij"),
    token_endpoint_auth_method="none",
)
session.verify, session.cert = sandbox.ca, sandbox.certificate("pgo")
# A bundle of roots that the environment names would go before the one above.
session.trust_env = False
correlation = str(uuid.uuid4())
ids = lambda: {"MedMij-Request-ID": str(uuid.uuid4()), "X-Correlation-ID": correlation}
url, state = session.create_authorization_url(authorization, **ids())
back = walk(sandbox, url, client["redirect_uri"])
token = session.fetch_token(token_endpoint, authorization_response=back, state=state, headers=ids())
assert token["token_type"] == "Bearer" and token["expires_in"] <= 900, "the token answer"
answer = session.get(f"{resource}/EpisodeOfCare", headers={**ids(), "Accept": "application/fhir+json"})
assert answer.status_code == 200 and answer.json()["resourceType"] == "Bundle", answer.status_code
