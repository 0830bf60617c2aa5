"""Text where only one line may stand, such as a subject or a name in a header."""

import re

_BREAKING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def one_line(text: str) -> str:
    """Nothing that would begin another header, and nothing that cannot be written."""
    return _BREAKING.sub(" ", text).strip()
