"""A provider's call as it came: nothing of it is trusted before its signature was looked at."""

from dataclasses import dataclass, field

_MAX_HEADER = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRequest:
    """One call.

    path, query: as they stood in the request line, still encoded
    headers: in their order, the names in lower case
    """

    method: str = "POST"
    path: str = "/"
    query: str = ""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> str | None:
        """The header's value; None where it is missing, empty or far too long, or stands there twice."""
        values = [value for key, value in self.headers if key == name]
        return values[0] if len(values) == 1 and 0 < len(values[0]) <= _MAX_HEADER else None

    @property
    def content_type(self) -> str:
        """What the body claims to be, with its parameters; empty where it claims nothing or two things."""
        return self.header("content-type") or ""
