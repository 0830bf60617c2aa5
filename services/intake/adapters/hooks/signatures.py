"""Whether a call is from whom it says: each provider's scheme, over the bytes as they came.

Pure, and total: whatever bytes and headers somebody sends, the answer is yes or no. Every secret is tried and
compared in constant time. Sources: the vendors' documents and libraries; vectors stand beside the tests.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import lru_cache
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.intake.adapters.hooks import forms
from services.intake.adapters.hooks.requests import HookRequest
from shared.standard_webhooks import hmac_key

_SECONDS = re.compile(r"[0-9]{1,12}\Z", re.ASCII)
_MAILGUN_SECONDS = re.compile(r"[0-9]{10}\Z", re.ASCII)
_MAX_TOKEN = 200
MAILGUN_FIELDS = ("timestamp", "token", "signature")
MAILGUN_AGE = timedelta(days=3)
MAILGUN_AHEAD = timedelta(days=1)
"""Mailgun tries again for eight hours, and clocks may be off: all that it costs is tokens that are kept longer."""
_PORTS = {"http": 80, "https": 443}
_TWILIO_HASHES = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}


def twilio(request: HookRequest, secrets: Iterable[str], *, base_url: str) -> bool:
    """`X-Twilio-Signature`: base64 HMAC of the URL and the sorted fields, or of a URL that names the body's hash.

    base_url: where the world reaches us. What a proxy says of it is not asked: anybody can say it.
    A body that neither the fields nor `bodySHA256` bind is refused, which Twilio's own library takes.
    """
    given = request.header("x-twilio-signature")
    pairs = _twilio_fields(request)
    algorithm = _twilio_hash(request)
    if given is None or pairs is None or algorithm is None:
        return False
    values: dict[str, set[str]] = {}
    for name, value in pairs:
        values.setdefault(name, set()).add(value)
    fields = "".join(name + value for name in sorted(values) for value in sorted(values[name]))
    tail = request.path + (f"?{request.query}" if request.query else "")
    return _matches(
        given,
        (
            base64.b64encode(hmac.digest(_bytes(secret), _bytes(f"{base}{tail}{fields}"), algorithm))
            for secret in secrets
            for base in _with_and_without_port(base_url)
        ),
    )


def slack(request: HookRequest, secrets: Iterable[str], *, now: float, window_s: float) -> bool:
    """`X-Slack-Signature`: `v0=` and the hex HMAC-SHA256 of version, timestamp and body."""
    given = request.header("x-slack-signature")
    at = request.header("x-slack-request-timestamp")
    if given is None or at is None or not _is_recent(at, now, window_s):
        return False
    signed = b"v0:%b:%b" % (_bytes(at), request.body)
    return _matches(given, (b"v0=" + _hex(secret, signed) for secret in secrets))


def meta(request: HookRequest, secrets: Iterable[str]) -> bool:
    """`X-Hub-Signature-256`: `sha256=` and the hex HMAC-SHA256 of the body."""
    given = request.header("x-hub-signature-256")
    return given is not None and _matches(given, (b"sha256=" + _hex(secret, request.body) for secret in secrets))


def standard_webhooks(request: HookRequest, secrets: Iterable[str], *, now: float, window_s: float) -> bool:
    """`webhook-signature`: a list of `v1,` (HMAC-SHA256) and `v1a,` (Ed25519) over id, timestamp and body."""
    given = request.header("webhook-signature")
    at, name = request.header("webhook-timestamp"), request.header("webhook-id")
    if given is None or at is None or name is None or not _is_recent(at, now, window_s):
        return False
    entries = given.split(" ")
    if any(not entry or entry.count(",") > 1 for entry in entries):
        return False  # two headers that somebody has joined
    signed = b"%b.%b.%b" % (_bytes(name), _bytes(at), request.body)
    found = False
    for secret in secrets:
        key = standard_key(secret)
        for entry in entries:
            version, _, signature = entry.partition(",")
            if isinstance(key, bytes) and version == "v1":
                found |= _matches(signature, [base64.b64encode(hmac.digest(key, signed, hashlib.sha256))])
            elif isinstance(key, Ed25519PublicKey) and version == "v1a":
                found |= _is_ed25519(key, signature, signed)
    return found


def sendgrid(request: HookRequest, secrets: Iterable[str], *, now: float, window_s: float) -> bool:
    """`X-Twilio-Email-Event-Webhook-Signature`: base64 ECDSA (P-256, SHA-256) over timestamp and body."""
    given = request.header("x-twilio-email-event-webhook-signature")
    at = request.header("x-twilio-email-event-webhook-timestamp")
    if given is None or at is None or not _is_recent(at, now, window_s):
        return False
    signature = _canonical_base64(given)
    signed = _bytes(at) + request.body
    found = False
    for secret in secrets:
        key = sendgrid_key(secret)
        found |= key is not None and signature is not None and _is_ecdsa(key, signature, signed)
    return found


def mailgun(form: Iterable[forms.Field], secrets: Iterable[str], *, now: float) -> bool:
    """Fields `timestamp`, `token`, `signature`: hex HMAC-SHA256 of the first two. The rest is not signed.

    Whoever calls keeps the token, so that nobody uses it again with something else, for as long as it is good.
    """
    fields = list(form)
    at, token, given = (forms.last(fields, name) for name in MAILGUN_FIELDS)
    # Of fixed length: what stands between the two cannot be moved.
    if at is None or not _MAILGUN_SECONDS.match(at) or not token or len(token) > _MAX_TOKEN or not given:
        return False
    if not -MAILGUN_AHEAD.total_seconds() <= now - int(at) <= MAILGUN_AGE.total_seconds():
        return False
    return _matches(given, (_hex(secret, _bytes(at + token)) for secret in secrets))


def basic_auth(request: HookRequest, secrets: Iterable[str]) -> bool:
    """`Authorization: Basic`, against `user:password`: all that Postmark offers."""
    given = request.header("authorization")
    expected = (b"Basic " + base64.b64encode(_bytes(secret)) for secret in secrets)
    return given is not None and _matches(given, expected)


def equals(given: str, expected: str) -> bool:
    """Whether two texts are the same, in constant time."""
    return hmac.compare_digest(_bytes(given), _bytes(expected))


@lru_cache(maxsize=1024)
def standard_key(secret: str) -> bytes | Ed25519PublicKey | None:
    """The key behind `whsec_…` (HMAC), `whpk_…` or `whsk_…` (Ed25519); None where it is none."""
    prefix, _, encoded = secret.partition("_")
    if prefix not in ("whpk", "whsk"):
        return hmac_key(secret)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        if prefix == "whpk":
            return Ed25519PublicKey.from_public_bytes(key)
        return Ed25519PrivateKey.from_private_bytes(key[:32]).public_key()
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        return None


@lru_cache(maxsize=1024)
def sendgrid_key(secret: str) -> ec.EllipticCurvePublicKey | None:
    """The public key that SendGrid shows: base64 of its DER form; None where it is none."""
    try:
        key = serialization.load_der_public_key(base64.b64decode(secret, validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        return None
    is_p256 = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    return key if is_p256 and isinstance(key, ec.EllipticCurvePublicKey) else None


def _twilio_fields(request: HookRequest) -> list[tuple[str, str]] | None:
    """The fields that are signed beside the URL; None where the body is bound by nothing."""
    if request.method == "GET":
        return None if request.body else []
    if forms.is_url_encoded(request.content_type):
        return forms.strict_pairs(request.body)
    named = [piece[11:] for piece in request.query.split("&") if piece.startswith("bodySHA256=")]
    digest = hashlib.sha256(request.body).hexdigest()
    return [] if len(named) == 1 and equals(named[0], digest) else None


def _twilio_hash(request: HookRequest) -> str | None:
    """SHA-1, unless the key that the account shares with us says otherwise."""
    name = "x-twilio-webhooks-signature-settings"
    if not any(key == name for key, _ in request.headers):
        return "sha1"
    settings = dict(part.strip().partition("=")[::2] for part in (request.header(name) or "").split(","))
    return _TWILIO_HASHES.get(settings.get("algorithm", "").upper())


def _with_and_without_port(base_url: str) -> Iterator[str]:
    """Twilio signs sometimes with the port and sometimes without it."""
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError:
        return
    base = base_url.rstrip("/")
    yield base
    host = (
        parts.netloc.rpartition(":")[0] if port is not None else f"{parts.netloc}:{_PORTS.get(parts.scheme, 443)}"
    )
    yield base.replace(parts.netloc, host, 1)


def _is_recent(at: str, now: float, window_s: float) -> bool:
    return _SECONDS.match(at) is not None and abs(now - int(at)) <= window_s


def _matches(given: str, expected: Iterable[bytes]) -> bool:
    shown, found = _bytes(given), False
    for one in expected:
        found |= hmac.compare_digest(shown, one)
    return found


def _hex(secret: str, signed: bytes) -> bytes:
    return hmac.digest(_bytes(secret), signed, hashlib.sha256).hex().encode()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", errors="surrogatepass")


def _canonical_base64(text: str) -> bytes | None:
    """The bytes, where this is the one way to write them."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return content if base64.b64encode(content).decode() == text else None


def _is_ecdsa(key: ec.EllipticCurvePublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _is_ed25519(key: Ed25519PublicKey, given: str, signed: bytes) -> bool:
    signature = _canonical_base64(given)
    try:
        key.verify(signature or b"", signed)
    except InvalidSignature:
        return False
    return True
