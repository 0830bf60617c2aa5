"""Connections of mail servers, on which a test says what it likes."""

import asyncio

from tests.integration.intake.mail.post import Post, mail_of


class Wire:
    """A connection on which a test says what it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> "Wire":
        wire = cls(*await asyncio.open_connection("127.0.0.1", port))
        assert (await wire.answer()).startswith("220")
        return wire

    async def answer(self) -> str:
        """One answer; of several lines the last."""
        while True:
            line = (await asyncio.wait_for(self._reader.readline(), 10)).decode().rstrip()
            if line[3:4] != "-":
                return line

    def send(self, content: bytes) -> None:
        """Sends bytes, and waits for nothing."""
        self._writer.write(content)

    async def say(self, line: str) -> str:
        self._writer.write(line.encode() + b"\r\n")
        return await self.answer()

    async def data(self, content: bytes, answers: int = 1) -> list[str]:
        """Sends DATA with content that ends the mail by itself."""
        assert (await self.say("DATA")).startswith("354")
        self.send(content)
        return [await self.answer() for _ in range(answers)]

    async def close(self) -> None:
        await self.say("QUIT")
        self._writer.close()
        await self._writer.wait_closed()


async def smtp_wire(post: Post) -> Wire:
    wire = await Wire.open(mail_of(post.system).listeners.ports["smtp"])
    await wire.say("EHLO tests")
    await wire.say(f"MAIL FROM:<{post.ada}>")
    return wire


async def lmtp_wire(post: Post) -> Wire:
    wire = await Wire.open(mail_of(post.system).listeners.ports["lmtp"])
    await wire.say("LHLO tests")
    await wire.say(f"MAIL FROM:<{post.ada}>")
    return wire
