"""The line above which an answer to our mail is to stand. A template may say it in any language."""

OPENS = "##-"
CLOSES = "-##"


def reply_line(words: str = "Please reply above this line") -> str:
    """The line with these words."""
    return f"{OPENS} {words} {CLOSES}"


def is_reply_line(line: str) -> bool:
    """Whether a line is one, in whatever way it was quoted."""
    shown = line.strip(" >*|")
    return shown.startswith(OPENS) and shown.endswith(CLOSES)
