"""A small object store on loopback: the part of S3 that is used, with its signatures checked.

Every request has to carry Signature Version 4 over the method, path, query, headers and body as they came:
it is computed again here from the secret, as Amazon documents it.
"""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.serving import serving

KEY, SECRET, BUCKET, REGION = "AKIDEXAMPLE", "a-secret-of-the-tests", "mails", "eu-central-1"

MODIFIED = "Last-Modified: Sun, 22 Nov 2026 10:00:00 GMT"


@dataclass
class ObjectStore:
    """What was put, by path. answers: statuses said instead of doing what is asked, one after another."""

    port: int = 0
    objects: dict[str, bytes] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            start, *lines = head.decode().rstrip().split("\r\n")
            method, target, _ = start.split(" ")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            status, content = self.answer(method, target, headers, body)
            length = f'Content-Length: {len(content)}\r\nETag: "1"\r\n{MODIFIED}'
            writer.write(f"HTTP/1.1 {status} Said\r\n{length}\r\n\r\n".encode() + content)
            await writer.drain()

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        if self.answers:
            return self.answers.pop(0), b""
        if not is_signed(method, target, headers, body):
            self.refused.append(target)
            return 403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>"
        parts = urlsplit(target)
        bucket, _, path = unquote(parts.path).removeprefix("/").partition("/")
        if bucket != BUCKET:
            return 404, b"<Error><Code>NoSuchBucket</Code></Error>"
        match method:
            case "PUT":
                self.objects[path] = body
                return 200, b""
            case "GET" if not path:
                return 200, self.listing(dict(parse_qsl(parts.query)).get("prefix", ""))
            case "GET" if path in self.objects:
                return 200, self.objects[path]
            case "DELETE":
                self.objects.pop(path, None)
                return 204, b""
            case _:
                return 404, b"<Error><Code>NoSuchKey</Code></Error>"

    def listing(self, prefix: str) -> bytes:
        items = "".join(
            f"<Contents><Key>{escape(path)}</Key><LastModified>2026-11-22T10:00:00.000Z</LastModified>"
            f"<ETag>1</ETag><Size>{len(content)}</Size></Contents>"
            for path, content in sorted(self.objects.items())
            if path.startswith(prefix)
        )
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{items}</ListBucketResult>".encode()


def is_signed(method: str, target: str, headers: dict[str, str], body: bytes) -> bool:
    """Signature Version 4 in the header `Authorization`."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    fields = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
    if scheme != "AWS4-HMAC-SHA256" or headers.get("x-amz-content-sha256") != hashlib.sha256(body).hexdigest():
        return False
    key, day, region, service, _ = fields["Credential"].split("/")
    if (key, region, service) != (KEY, REGION, "s3"):
        return False
    parts = urlsplit(target)
    query = "&".join(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
        for name, value in sorted(parse_qsl(parts.query, keep_blank_values=True))
    )
    names = fields["SignedHeaders"].split(";")
    canonical = "\n".join(
        [
            *(method, parts.path, query),
            *(f"{name}:{headers[name]}" for name in names),
            *("", fields["SignedHeaders"], headers["x-amz-content-sha256"]),
        ]
    )
    scope = f"{day}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    signed = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{scope}\n{digest}"
    secret = f"AWS4{SECRET}".encode()
    for step in (day, region, service, "aws4_request", signed):
        secret = hmac.new(secret, step.encode(), hashlib.sha256).digest()
    return hmac.compare_digest(secret.hex(), fields["Signature"])


@asynccontextmanager
async def open_store() -> AsyncIterator[ObjectStore]:
    store = ObjectStore()
    async with serving(store.serve) as store.port:
        yield store
