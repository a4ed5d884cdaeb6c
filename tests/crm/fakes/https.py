"""The hosts of a vendor, by https, on loopback: a proxy that answers for all of them itself.

A client that insists on https and on the vendor's own names is told `HTTPS_PROXY`; what it sends
to any host ends here, in TLS that a certificate of this proxy's own speaks.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from pathlib import Path

import pytest

from .served import Served
from .server import Asked, Reply, asked_by, tell

Answer = Callable[[str, Asked], Reply]


class Hosts(Served):
    """`answer(host, asked)` for every host of `names`; `with` starts and stops the proxy."""

    def __init__(self, folder: Path, names: Sequence[str], answer: Answer) -> None:
        self.certificate = folder / "hosts.pem"
        key = folder / "hosts.key"
        _certify(names, self.certificate, key)
        self.answer = answer
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificate, key)
        super().__init__(_handler(self))

    def lead_here(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let this process's requests by https go through the proxy, and trust it."""
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{self.port}")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(self.certificate))
        for name in ("https_proxy", "NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)


def _handler(hosts: Hosts) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        host = ""

        def do_CONNECT(self) -> None:
            self.host = self.path.rpartition(":")[0]
            self.send_response(200)
            self.end_headers()
            self.connection = hosts.context.wrap_socket(self.connection, server_side=True)
            self.rfile = self.connection.makefile("rb")
            self.wfile = self.connection.makefile("wb")
            self.close_connection = False  # a CONNECT is HTTP/1.0, what comes through it is not

        def _do(self) -> None:
            tell(self, hosts.answer(self.host, asked_by(self)))

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _do  # noqa: N815 - http.server's

        def finish(self) -> None:
            super().finish()
            self.connection.close()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def _certify(names: Sequence[str], certificate: Path, key: Path) -> None:
    """A certificate for hosts and addresses, that is good for an hour, signed by itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    me = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "fake")])
    now = datetime.now(UTC)
    hosts = [
        x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
        for name in names
    ]
    made = (
        x509.CertificateBuilder(me, me, private.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .sign(private, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    certificate.write_bytes(made.public_bytes(pem))
    form, open_ = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key.write_bytes(private.private_bytes(pem, form, open_))
