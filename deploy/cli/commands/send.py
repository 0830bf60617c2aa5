"""`waypost send`: brings mail files in, by HTTP or as a mail server would."""

import asyncio
from email import message_from_bytes, policy
from email.utils import getaddresses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.errors import CliError
from deploy.cli.output import say, say_json
from deploy.cli.place import Place

if TYPE_CHECKING:
    from deploy.cli.answers import Receipt


def send(
    files: Annotated[list[Path], typer.Argument(metavar="FILE.eml...", help="Mails.", show_default=False)],
    smtp: Annotated[bool, typer.Option("--smtp/--http", help="Bring them by SMTP, or by HTTP.")] = False,
    sender: Annotated[str | None, typer.Option("--from", help="Who sends them; their From.")] = None,
    recipient: Annotated[str | None, typer.Option("--to", help="Where they go; their To.")] = None,
    workspace: Annotated[str | None, typer.Option(help="The workspace; the one applied last.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Brings mails in. By HTTP the answer says what became of each; SMTP only says that it was taken."""
    place = Place.here()
    mails = [Mail(file, sender, recipient) for file in files]
    receipts = send_by_smtp(place, mails) if smtp else asyncio.run(_send_by_http(place, mails, workspace))
    if json:
        say_json(receipts)
        return
    for receipt in receipts:
        say(f"{receipt.file}: {in_words(receipt)}")


class Mail:
    """A mail file, with an envelope made of its headers. CliError where it cannot be read."""

    def __init__(self, file: Path, sender: str | None = None, recipient: str | None = None) -> None:
        self.name = file.name
        try:
            self.content = file.read_bytes()
        except OSError as error:
            raise CliError(f"{file} cannot be read: {error.strerror}.") from None
        headers = message_from_bytes(self.content, policy=policy.compat32)
        self.sender = sender or _first(headers.get_all("From", [])) or "nobody@example.org"
        self.recipient = recipient or _first(headers.get_all("To", []))

    def require_recipient(self) -> str:
        """Where it goes. CliError where nothing says so."""
        if not self.recipient:
            raise CliError(f"{self.name} has no To: say where it goes with --to.")
        return self.recipient


def send_by_smtp(place: Place, mails: list[Mail]) -> "list[Receipt]":
    """Hands mails over as a mail server does. CliError where one is refused."""
    import re
    import smtplib

    from deploy.cli.answers import Receipt  # late: help needs none of this

    host, port = place.smtp
    try:
        with smtplib.SMTP(host, port, timeout=20) as server:
            for mail in mails:
                # In a mail every line ends with CR LF, whatever it does in a file.
                content = re.sub(rb"\r?\n", b"\r\n", mail.content)
                server.sendmail(mail.sender, [mail.require_recipient()], content)
    except smtplib.SMTPRecipientsRefused as refused:
        address, (code, text) = next(iter(refused.recipients.items()))
        raise CliError(f"{address} is refused: {code} {text.decode(errors='replace')}.") from None
    except (smtplib.SMTPException, OSError) as error:
        raise CliError(f"The mail server at {host}:{port} does not take it: {error}.") from None
    return [Receipt(file=mail.name, disposition="accepted") for mail in mails]


async def _send_by_http(place: Place, mails: list[Mail], workspace_id: str | None) -> "list[Receipt]":
    from deploy.cli.answers import IntakeConfigured, Receipt  # late: as above
    from deploy.cli.api import services

    async with services(place, workspace_id=workspace_id) as reached:
        intake = reached["intake"]
        configured = await intake.get("/v1/configuration", IntakeConfigured)
        channels = {one.address.lower(): one.id for one in configured.configuration.channels if one.address}
        receipts = []
        for mail in mails:
            channel = _channel(channels, mail)
            answer = await intake.request(
                "POST",
                f"/v1/channels/{channel}/email",
                content=mail.content,
                query={"sender": mail.sender, "recipient": mail.recipient},
                headers={"Content-Type": "message/rfc822"},
            )
            receipt = Receipt.model_validate_json(answer.content)
            receipts.append(receipt.model_copy(update={"file": mail.name}))
    return receipts


def _channel(channels: dict[str, str], mail: Mail) -> str:
    """The channel whose address the mail goes to. CliError where there is none."""
    local, _, domain = mail.require_recipient().lower().rpartition("@")
    found = channels.get(f"{local.partition('+')[0]}@{domain}")
    if found is None:
        known = ", ".join(sorted(channels)) or "none: apply a configuration first"
        raise CliError(f"{mail.recipient} is no address of this workspace. There are: {known}.")
    return found


def in_words(receipt: "Receipt") -> str:
    """What became of a mail."""
    number = f" #{receipt.ticket_number}" if receipt.ticket_number else ""
    because = f" ({receipt.reason})" if receipt.reason else ""
    match receipt.disposition:
        case "opened":
            return f"opened ticket{number}{because}"
        case "appended" | "reopened":
            return f"{receipt.disposition} to ticket{number}{because}".replace("reopened to", "reopened")
        case "accepted":
            return "taken"
        case "duplicate":
            return f"was received before, as a part of ticket{number}"
        case other:
            return f"{other}{because}"


def _first(headers: list[str]) -> str | None:
    """The first address in these headers."""
    return next(
        (address for _, address in getaddresses([str(header) for header in headers]) if "@" in address), None
    )
