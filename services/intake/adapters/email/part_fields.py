"""The fields of one part of a mail as the library gives them. Nothing here raises, whatever they hold."""

from email.message import Message
from email.policy import EmailPolicy
from typing import TypeAlias

from services.intake.adapters.email import headers

Part: TypeAlias = "Message[str, str]"


class _Policy(EmailPolicy):
    """The modern message class with header values as they stand: `headers.py` turns them into text."""

    def header_fetch_parse(self, name: str, value: str) -> str:  # noqa: ARG002 - the policy's interface
        return headers.unfolded(value)


POLICY = _Policy(refold_source="none")


def all_of(part: Part, name: str) -> list[str]:
    """Every value of a field."""
    return [str(value) for value in part.get_all(name, [])]


def first_of(part: Part, name: str) -> str:
    """A field's first value, empty where it has none."""
    return str(part.get(name, ""))


def children_of(part: Part) -> list[Part]:
    """The parts of a part."""
    # Asked for text, the library would decode it by whatever charset the part names.
    payload = part.get_payload() if part.is_multipart() else []
    return [child for child in payload if isinstance(child, Message)]


def name_of(part: Part) -> str:
    """The name of a file, as it stands."""
    try:
        return str(part.get_filename() or "")
    except (LookupError, ValueError):
        return ""


def charset_of(part: Part) -> str | None:
    """The charset that a part names."""
    try:
        return part.get_content_charset()
    except (LookupError, ValueError):
        return None


def media_type_of(part: Part) -> str:
    """The media type, where it is one."""
    kind = part.get_content_type()
    is_token = kind.isascii() and all(letter.isalnum() or letter in "/.+-_" for letter in kind)
    return kind if is_token and kind.count("/") == 1 and len(kind) <= 127 else "application/octet-stream"
