"""The sample mails, each made unique for one run, and the mails that come back."""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from deploy.cli.commands.send import Mail

INPUTS = Path(__file__).parent / "inputs"

_ID = re.compile(rb"^((?:Message-ID|In-Reply-To|References):\s*<)([^@<>\s]+)@", re.MULTILINE | re.IGNORECASE)


class Sample(Mail):
    """A mail of the inputs. Its ids are those of this run: a mail that comes twice opens no second ticket."""

    def __init__(self, name: str, run: str) -> None:
        super().__init__(INPUTS / name)
        self.content = _ID.sub(rb"\1\2." + run.encode() + b"@", self.content)

    def answering(self, mail: EmailMessage) -> None:
        """Makes it the answer to a mail that has come back, as a mail program would."""
        known = " ".join([*str(mail["References"] or "").split(), str(mail["Message-ID"])])
        headers = f"In-Reply-To: {mail['Message-ID']}\nReferences: {known}\n"
        kept = re.sub(rb"^(In-Reply-To|References):.*\n", b"", self.content, flags=re.MULTILINE | re.IGNORECASE)
        self.content = headers.encode() + kept
        self.recipient = str(mail["Reply-To"] or mail["From"])

    @property
    def message_id(self) -> str:
        """Its Message-ID."""
        return str(message_from_bytes(self.content, policy=policy.compat32)["Message-ID"])


def received(folder: Path, since_ns: int) -> Iterator[EmailMessage]:
    """Mails that were kept by the sink since then, in the order in which they came."""
    for file in sorted(folder.glob("*.eml")):
        if int(file.name.partition("-")[0]) >= since_ns:
            mail = message_from_bytes(file.read_bytes(), policy=policy.default)
            assert isinstance(mail, EmailMessage)
            yield mail
