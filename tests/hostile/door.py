"""The public listeners of a sandbox, from its folder."""
import pathlib
import ssl
import tomllib
from urllib.parse import urlsplit


class Door:
    """One listener; the back channel with the certificate of the first PGO."""

    def __init__(self, folder, face):
        self.folder = pathlib.Path(folder)
        origin = urlsplit(tomllib.loads((self.folder / "gateway.toml").read_text())[face]["origin"])
        self.face, self.host, self.port = face, origin.hostname, origin.port
        self.authority = f"{self.host}:{self.port}"

    def tls(self, alpn):
        context = ssl.create_default_context(cafile=self.folder / "ca.pem")
        context.set_alpn_protocols(alpn)
        if self.face == "back":
            context.load_cert_chain(self.folder / "pgo.pem", self.folder / "pgo.key")
        return context
