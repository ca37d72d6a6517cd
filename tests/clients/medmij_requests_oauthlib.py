"""requests-oauthlib as the back end of a PGO: code flow with a client certificate, then a search."""

import os
import sys
import uuid

# The scope of the answer is that of the services, not of the request (core.tknint.201); the library asks to be told.
os.environ["OAUTHLIB_RELAX_TOKEN_SCOPE"] = "1"

from requests_oauthlib import OAuth2Session

from sandbox import Sandbox, walk

sandbox = Sandbox(sys.argv[1])
client = sandbox.client("pgo2")
authorization, token_endpoint, resource = sandbox.endpoints("pgo2")
scope = sandbox.patient["provider"].removesuffix("@medmij")
session = OAuth2Session(client["client_id"], redirect_uri=client["redirect_uri"], scope=[scope])
session.verify, session.cert = sandbox.ca, sandbox.certificate("pgo2")
# A bundle of roots that the environment names would go before the one above.
session.trust_env = False
correlation = str(uuid.uuid4())
ids = lambda: {"MedMij-Request-ID": str(uuid.uuid4()), "X-Correlation-ID": correlation}
url, _ = session.authorization_url(authorization, **ids())
back = walk(sandbox, url, client["redirect_uri"])
token = session.fetch_token(
    token_endpoint,
    authorization_response=back,
    include_client_id=True,
    headers={"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded", **ids()},
    verify=sandbox.ca,
    cert=sandbox.certificate("pgo2"),
)
assert token["token_type"] == "Bearer" and token["expires_in"] <= 900, "the token answer"
answer = session.get(f"{resource}/EpisodeOfCare", headers={**ids(), "Accept": "application/fhir+json"})
assert answer.status_code == 200 and answer.json()["resourceType"] == "Bundle", answer.status_code
