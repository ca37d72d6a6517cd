"""The listeners of a sandbox that speak TLS, from its folder."""
import pathlib
import ssl
import tomllib
from urllib.parse import urlsplit

# Whose certificate is shown where one is asked for: of the first PGO, of an auditor, of an operator who may do everything.
CERTIFICATES = {"back": "pgo", "auditors": "auditor", "admin": "wacht"}
FACES = ("front", *CERTIFICATES)


class Door:
    """One listener, with a certificate that it knows."""

    def __init__(self, folder, face):
        self.folder = pathlib.Path(folder)
        origin = urlsplit(tomllib.loads((self.folder / "gateway.toml").read_text())[face]["origin"])
        self.face, self.host, self.port = face, origin.hostname, origin.port
        self.authority = f"{self.host}:{self.port}"
        name = CERTIFICATES.get(face)
        self.certificate = name and (self.folder / f"{name}.pem", self.folder / f"{name}.key")

    def tls(self, alpn):
        context = ssl.create_default_context(cafile=self.folder / "ca.pem")
        context.set_alpn_protocols(alpn)
        if self.certificate:
            context.load_cert_chain(*self.certificate)
        return context
