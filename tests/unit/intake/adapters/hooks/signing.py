"""Calls as the providers sign them, with their own libraries where they ship one."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from slack_sdk.signature import SignatureVerifier
from standardwebhooks import Webhook
from twilio.request_validator import RequestValidator

from services.intake.adapters.hooks.requests import HookRequest

BASE = "https://support.example.com"
NOW = 1_614_265_330
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

TWILIO = "12345"
SLACK = "8f742231b10e8888abcd99yyyzzz85a5"
META = "an-app-secret"
STANDARD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MAILGUN = "a-signing-key"
POSTMARK = "waypost:a password"
SENDGRID_KEY = ec.derive_private_key(0xC0FFEE, ec.SECP256R1())
SENDGRID = base64.b64encode(
    SENDGRID_KEY.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
).decode()


def call(path: str, body: bytes, headers: dict[str, str], *, query: str = "", method: str = "POST") -> HookRequest:
    named = tuple((name.lower(), value) for name, value in headers.items())
    return HookRequest(method=method, path=path, query=query, headers=named, body=body)


def twilio_call(
    fields: dict[str, str], *, path: str = "/v1/hooks/acme-sms/twilio-sms", secret: str = TWILIO, base: str = BASE
) -> HookRequest:
    """A form, signed by Twilio's library."""
    signature = RequestValidator(secret).compute_signature(f"{base}{path}", fields)
    headers = {"X-Twilio-Signature": signature, "Content-Type": FORM}
    return call(path, urlencode(fields).encode(), headers)


def twilio_json_call(body: bytes, *, path: str = "/v1/hooks/acme-sms/twilio-sms") -> HookRequest:
    query = f"bodySHA256={hashlib.sha256(body).hexdigest()}"
    signature = RequestValidator(TWILIO).compute_signature(f"{BASE}{path}?{query}", {})
    return call(path, body, {"X-Twilio-Signature": signature, "Content-Type": JSON}, query=query)


def slack_call(
    body: bytes, *, at: int = NOW, path: str = "/v1/hooks/acme-slack/slack", secret: str = SLACK
) -> HookRequest:
    """Signed by Slack's library."""
    signature = SignatureVerifier(secret).generate_signature(timestamp=str(at), body=body)
    headers = {
        "X-Slack-Signature": signature or "",
        "X-Slack-Request-Timestamp": str(at),
        "Content-Type": JSON,
    }
    return call(path, body, headers)


def meta_call(body: bytes, *, path: str = "/v1/hooks/acme-wa/whatsapp", secret: str = META) -> HookRequest:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return call(path, body, {"X-Hub-Signature-256": f"sha256={signature}", "Content-Type": JSON})


def standard_call(
    body: bytes,
    *,
    name: str = "msg_1",
    at: int = NOW,
    path: str = "/v1/hooks/acme/standard-webhook",
    secret: str = STANDARD,
) -> HookRequest:
    """Signed by the library of Standard Webhooks."""
    signature = Webhook(secret).sign(name, datetime.fromtimestamp(at, UTC), body.decode())
    headers = {
        "webhook-id": name,
        "webhook-timestamp": str(at),
        "webhook-signature": signature,
        "Content-Type": JSON,
    }
    return call(path, body, headers)


def with_standard_signature(request: HookRequest, body: bytes) -> HookRequest:
    """The call with this body, signed anew."""
    key = base64.b64decode(STANDARD.removeprefix("whsec_"))
    head = f"{request.header('webhook-id')}.{request.header('webhook-timestamp')}."
    signature = base64.b64encode(hmac.new(key, head.encode() + body, hashlib.sha256).digest()).decode()
    return with_body(with_header(request, "webhook-signature", f"v1,{signature}"), body)


def sendgrid_call(
    body: bytes,
    content_type: str,
    *,
    at: int = NOW,
    path: str = "/v1/hooks/s@acme.example/sendgrid",
    key: ec.EllipticCurvePrivateKey = SENDGRID_KEY,
) -> HookRequest:
    signature = key.sign(str(at).encode() + body, ec.ECDSA(hashes.SHA256()))
    headers = {
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": str(at),
        "Content-Type": content_type,
    }
    return call(path, body, headers)


def mailgun_fields(token: str = "a" * 50, *, at: int = NOW, secret: str = MAILGUN) -> dict[str, str]:
    signature = hmac.new(secret.encode(), f"{at}{token}".encode(), hashlib.sha256).hexdigest()
    return {"timestamp": str(at), "token": token, "signature": signature}


def mailgun_call(fields: dict[str, str], *, path: str = "/v1/hooks/s@acme.example/mailgun") -> HookRequest:
    return call(path, urlencode(fields).encode(), {"Content-Type": FORM})


def postmark_call(
    payload: object, *, path: str = "/v1/hooks/s@acme.example/postmark", secret: str = POSTMARK
) -> HookRequest:
    headers = {
        "Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}",
        "Content-Type": JSON,
    }
    return call(path, json.dumps(payload).encode(), headers)


def multipart(fields: list[tuple[str, bytes, str | None, str]], boundary: str = "xYzZY") -> tuple[bytes, str]:
    """A form of name, content, filename and media type; its body and its type."""
    body = b""
    for name, content, filename, media_type in fields:
        disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
        body += f"--{boundary}\r\nContent-Disposition: {disposition}\r\n".encode()
        body += f"Content-Type: {media_type}\r\n".encode() if media_type else b""
        body += b"\r\n" + content + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def with_header(request: HookRequest, name: str, *values: str) -> HookRequest:
    """The call with other values of a header, each in a field of its own."""
    others = tuple((key, value) for key, value in request.headers if key != name)
    return HookRequest(
        method=request.method,
        path=request.path,
        query=request.query,
        headers=(*others, *((name, value) for value in values)),
        body=request.body,
    )


def with_body(request: HookRequest, body: bytes) -> HookRequest:
    return HookRequest(
        method=request.method, path=request.path, query=request.query, headers=request.headers, body=body
    )


def decoded(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode(), keep_blank_values=True))
