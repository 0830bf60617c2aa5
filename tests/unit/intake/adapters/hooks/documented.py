"""Payloads as the providers document them, with our addresses in them."""

import base64
import json
from typing import Any

Json = dict[str, Any]
Form = list[tuple[str, bytes, str | None, str]]

RAW_MAIL = (
    b"From: Ada Lovelace <ada@example.org>\r\nTo: support@acme.example\r\nSubject: It does not print\r\n"
    b"Message-ID: <raw-1@example.org>\r\nDate: Thu, 12 Mar 2026 10:15:00 +0100\r\n"
    b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    b"Der Drucker st\xf6rt.\r\n"
)
"""As it came."""


def raw_text(name: str) -> str:
    """The same, under a Message-ID of its own, in a payload that is text."""
    return RAW_MAIL.decode("latin-1").replace("raw-1", name)


def whatsapp(*messages: Json, statuses: list[Json] | None = None, number: str = "106540352242922") -> Json:
    """One entry of Meta's Cloud API."""
    value: Json = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": number},
    }
    if messages:
        value["contacts"] = [{"profile": {"name": "Sheena Nelson"}, "wa_id": "16505551234"}]
        value["messages"] = list(messages)
    if statuses:
        value["statuses"] = statuses
    entry = {"id": "102290129340398", "changes": [{"value": value, "field": "messages"}]}
    return {"object": "whatsapp_business_account", "entry": [entry]}


def whatsapp_text(text: str = "Does it come in another color?", **fields: object) -> Json:
    return {
        "from": "16505551234",
        "id": "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA=",
        "timestamp": "1749416383",
        "type": "text",
        "text": {"body": text},
        **fields,
    }


def slack(**event: object) -> Json:
    """An event of Slack's Events API, by default a message in a channel."""
    return {
        "token": "one-long-verification-token",
        "team_id": "T1",
        "api_app_id": "A123ABC456",
        "event": {
            "type": "message",
            "channel": "C123ABC456",
            "user": "U123ABC456",
            "text": "Hello, world!",
            "ts": "1355517523.000005",
            "event_ts": "1355517523.000005",
            "channel_type": "channel",
            **event,
        },
        "type": "event_callback",
        "event_id": "Ev123ABC456",
        "event_time": 1355517523,
        "authorizations": [{"enterprise_id": None, "team_id": "T1", "user_id": "UBOT", "is_bot": True}],
    }


def standard(**data: object) -> Json:
    return {
        "type": "message.received",
        "data": {
            "id": "m-1",
            "from": {"phone": "07700 900123", "name": "Ada"},
            "to": "+442071838750",
            "text": "It does not print.",
            **data,
        },
    }


def sendgrid(to: str = "support@acme.example") -> Form:
    """Inbound Parse with its default settings: the mail in pieces, each text in the charset of its mail."""
    headers = (
        "Received: by mx0047p1mdw1.sendgrid.net with SMTP id 6WCVv7KAWn\n"
        "From: Ada Lovelace <ada@example.org>\nTo: Support <support@acme.example>\n"
        "Subject: =?iso-8859-1?q?St=F6rung?=\nMessage-ID: <sg-1@example.org>\nIn-Reply-To: <0@example.org>\n"
        "Date: Thu, 12 Mar 2026 10:15:00 +0100\nMIME-Version: 1.0\n"
        'Content-Type: multipart/mixed;\n\tboundary="001a113ee97c89842f0539be8e7a"\n'
    )
    envelope = {"to": [to], "from": "ada@example.org"}
    info = {"attachment1": {"filename": "log.txt", "name": "log.txt", "type": "text/plain"}}
    charsets = dict.fromkeys(("to", "from", "subject", "html"), "UTF-8") | {"text": "iso-8859-1"}
    return [
        ("headers", headers.encode(), None, ""),
        ("dkim", b"{@example.org : pass}", None, ""),
        ("to", b"Support <support@acme.example>", None, ""),
        ("html", b"<p>Der Drucker st\xc3\xb6rt.</p>", None, ""),
        ("from", b"Ada Lovelace <ada@example.org>", None, ""),
        ("text", "Der Drucker stört.".encode("iso-8859-1"), None, ""),
        ("sender_ip", b"209.85.220.41", None, ""),
        ("envelope", json.dumps(envelope).encode(), None, ""),
        ("attachments", b"1", None, ""),
        ("subject", "Störung".encode(), None, ""),
        ("attachment-info", json.dumps(info).encode(), None, ""),
        ("charsets", json.dumps(charsets).encode(), None, ""),
        ("SPF", b"pass", None, ""),
        ("attachment1", b"paper jam\n", "log.txt", "text/plain"),
    ]


def sendgrid_raw(raw: bytes = RAW_MAIL, to: str = "support@acme.example") -> Form:
    """With `POST the raw, full MIME message` set."""
    return [
        ("dkim", b"{@example.org : pass}", None, ""),
        ("email", raw, None, ""),
        ("to", b"support@acme.example", None, ""),
        ("from", b"Ada Lovelace <ada@example.org>", None, ""),
        ("sender_ip", b"209.85.220.41", None, ""),
        ("envelope", json.dumps({"to": [to], "from": "ada@example.org"}).encode(), None, ""),
        ("subject", b"It does not print", None, ""),
        ("charsets", b'{"to":"UTF-8","subject":"UTF-8","from":"UTF-8"}', None, ""),
        ("SPF", b"pass", None, ""),
    ]


def mailgun(to: str = "support@acme.example") -> dict[str, str]:
    """A route's forward, the mail in pieces."""
    headers = [
        ["Received", "by luna.mailgun.net with SMTP mgrt 8788212249833; Fri, 26 Apr 2013 18:50:30 +0000"],
        ["X-Envelope-From", "<ada@example.org>"],
        ["Message-Id", "<mg-1@example.org>"],
        ["From", "Ada Lovelace <ada@example.org>"],
        ["To", "Support <support@acme.example>"],
        ["Subject", "Störung"],
        ["References", "<0@example.org> <1@example.org>"],
        ["Mime-Version", "1.0"],
        ["Content-Type", 'multipart/mixed; boundary="------------020601070403020003080006"'],
    ]
    return {
        "recipient": to,
        "sender": "ada@example.org",
        "subject": "Störung",
        "from": "Ada Lovelace <ada@example.org>",
        "X-Envelope-From": "<ada@example.org>",
        "Message-Id": "<mg-1@example.org>",
        "body-plain": "Der Drucker stört.\r\n\r\nOn 04/26/2013 11:29 AM, Support wrote:\r\n> Which one?\r\n",
        "stripped-text": "Something that Mailgun has guessed.",
        "body-html": "<p>Der Drucker st&ouml;rt.</p>",
        "attachment-count": "0",
        "message-headers": json.dumps(headers),
    }


def postmark(to: str = "support@acme.example", **fields: object) -> Json:
    spf = (
        "Pass (sender SPF authorized) identity=mailfrom; client-ip=209.85.160.180; helo=mail.example.org;"
        " envelope-from=ada@example.org; receiver=451d9b70cf9364d23ff6f9d51d870251569e@inbound.postmarkapp.com"
    )
    return {
        "FromName": "Ada Lovelace",
        "MessageStream": "inbound",
        "From": "ada@example.org",
        "FromFull": {"Email": "ada@example.org", "Name": "Ada Lovelace", "MailboxHash": ""},
        "To": f'"Support" <{to}>',
        "ToFull": [{"Email": to, "Name": "Support", "MailboxHash": ""}],
        "Cc": "",
        "CcFull": [],
        "BccFull": [],
        "OriginalRecipient": to,
        "Subject": "Störung",
        "MessageID": "73e6d360-66eb-11e1-8e72-a8904824019b",
        "ReplyTo": "ada+reply@example.org",
        "MailboxHash": "",
        "Date": "Thu, 12 Mar 2026 10:15:00 +0100",
        "TextBody": "Der Drucker stört.",
        "HtmlBody": "<p>Der Drucker st\u00f6rt.</p>",
        "StrippedTextReply": "",
        "Tag": "",
        "Headers": [
            {"Name": "Received-SPF", "Value": spf},
            {"Name": "Message-ID", "Value": "<pm-1@example.org>"},
            {"Name": "In-Reply-To", "Value": "<0@example.org>"},
            {"Name": "MIME-Version", "Value": "1.0"},
        ],
        "Attachments": [
            {
                "Name": "log.txt",
                "Content": base64.b64encode(b"paper jam\n").decode(),
                "ContentType": "text/plain",
                "ContentLength": 10,
                "ContentID": "",
            }
        ],
        **fields,
    }
