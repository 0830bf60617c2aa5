"""The development mail sink: takes any mail and keeps it as a file; nothing leaves this machine."""

import argparse
import asyncio
import secrets
import signal
import time
from email import message_from_bytes, policy
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.local.ports import LOOPBACK


class Mailbox:
    """A folder with one `.eml` file a mail, named in order of arrival; aiosmtpd calls it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Customers' mails, and signed addresses that anybody could reply to: its owner's alone.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802, ARG002
        """Keeps a mail below the headers with which a delivery records the envelope."""
        content = envelope.content
        assert isinstance(content, bytes)
        delivered_to = "".join(f"Delivered-To: {recipient}\r\n" for recipient in envelope.rcpt_tos)
        self._keep(f"Return-Path: <{envelope.mail_from}>\r\n{delivered_to}".encode() + content)
        print(
            printable(f"{envelope.mail_from} -> {', '.join(envelope.rcpt_tos)}: {subject(content)}"),
            flush=True,
        )
        return "250 Kept"

    def _keep(self, mail: bytes) -> None:
        # As in a Maildir: written under another name first, so that nobody reads half a mail.
        file = self._folder / f"{time.time_ns()}-{secrets.token_hex(4)}.eml"
        unfinished = file.with_suffix(".new")
        unfinished.write_bytes(mail)
        unfinished.replace(file)


class AnyLength(SMTP):
    """Also takes mail with lines longer than the standard allows."""

    line_length_limit = 2**20


def subject(content: bytes) -> str:
    """The mail's subject, as far as it has one that can be read."""
    try:
        return str(message_from_bytes(content, policy=policy.default)["Subject"] or "(no subject)")
    except Exception:  # noqa: BLE001 - any mail is taken, however broken
        return "(unreadable subject)"


def printable(text: str) -> str:
    """The text without what would steer a terminal."""
    return "".join(letter for letter in text if letter.isprintable())


async def serve(port: int, folder: Path) -> None:
    """Takes mail until SIGTERM."""
    loop = asyncio.get_running_loop()
    mailbox = Mailbox(folder)
    server = await loop.create_server(
        lambda: AnyLength(mailbox, hostname="localhost", data_size_limit=None, enable_SMTPUTF8=True, loop=loop),
        LOOPBACK,
        port,
    )
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    print(f"keeping mail for port {port} in {folder}", flush=True)
    try:
        await stopped.wait()
    finally:
        server.close()


def main() -> None:
    """Reads the command line and serves."""
    parser = argparse.ArgumentParser(prog="mail_sink", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    asyncio.run(serve(options.port, options.folder))


if __name__ == "__main__":
    main()
