"""Takes the webhooks of the demo's escalations, and checks that Waypost has signed them (Standard Webhooks)."""

import base64
import hashlib
import hmac
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from deploy.cli.errors import CliError


class Hooks:
    """What has come in so far: bodies with a good signature, and how many had another."""

    def __init__(self, secret: str) -> None:
        self._key = base64.b64decode(secret.removeprefix("whsec_"))
        self.bodies: list[bytes] = []
        self.forged = 0

    def take(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Keeps a body that was signed with the secret."""
        signed = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + body
        expected = base64.b64encode(hmac.new(self._key, signed, hashlib.sha256).digest()).decode()
        given = [part.removeprefix("v1,") for part in headers.get("webhook-signature", "").split()]
        is_good = any(hmac.compare_digest(expected, one) for one in given)
        if is_good:
            self.bodies.append(body)
        else:
            self.forged += 1
        return is_good


@contextmanager
def listening(url: str, secret: str) -> Iterator[Hooks]:
    """Listens where the workspace's webhook goes. CliError where somebody else does."""
    hooks = Hooks(secret)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(204 if hooks.take(headers, body) else 401)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    place = urlsplit(url)
    try:
        server = ThreadingHTTPServer((place.hostname or "", place.port or 80), Handler)
    except OSError as error:
        raise CliError(f"{url} is taken ({error.strerror}): does another demo run?") from None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hooks
    finally:
        server.shutdown()
        server.server_close()
