"""Cuts what a mail quotes from what its writer added.

Answers between the quoted lines stay as they are, a forwarded mail too, and where nothing would be left all
of it stays: it is better to show too much than to lose what somebody wrote.
"""

from collections.abc import Sequence

from services.intake.domain import quote_phrases as phrases

_MAX_LINES = 20_000
_MAX_PHRASE = 600
_ATTRIBUTION_LINES = 4
_HEADER_LINES = 8
_SIGNATURE_LINES = 20
_RULE = 20
"""So many underscores are the line that Outlook draws above a quote."""


def new_text(text: str, subject: str = "") -> str:
    """The text without quotes and signature; all of it where nothing else would be left."""
    whole = text.strip()
    if phrases.FORWARD_SUBJECT.match(subject):
        return whole
    lines = [line.replace("\xa0", " ").rstrip() for line in whole.split("\n", _MAX_LINES)]
    kept = _without_quotes(lines)
    if kept is None:
        return whole
    return "\n".join(_without_signature(kept)).strip() or whole


def _without_quotes(lines: Sequence[str]) -> list[str] | None:
    """The lines that are not quoted; None where the text has to stay whole."""
    end = _divider(lines)
    if end is None:
        return None
    head = list(lines[:end])
    runs = _quoted_runs(head)
    if len(runs) > 1:
        return None
    if runs:
        first, last = runs[0]
        head[_attribution_start(head, first) : last] = []
    return head


def _divider(lines: Sequence[str]) -> int | None:
    """The line from which on everything is quoted, len(lines) where there is none; None for a forwarded mail."""
    for index, line in enumerate(lines):
        text = line.strip()
        if not text or len(text) > _MAX_PHRASE or text.startswith(">"):
            continue
        if phrases.FORWARDED.match(text):
            return None
        if phrases.ORIGINAL.match(text):
            return index
        if phrases.SENDER_FIELD.match(text) and _is_header_block(lines, index):
            return _above_rule(lines, index)
        length = _attribution_length(lines, index)
        if length and not _is_followed_by_quote(lines, index + length):
            return index
    return len(lines)


def _is_header_block(lines: Sequence[str], index: int) -> bool:
    """Whether a sender's line begins a repeated header: two more of its fields follow closely."""
    following = [line.strip() for line in lines[index + 1 : index + 1 + _HEADER_LINES]]
    return sum(1 for line in following if phrases.OTHER_FIELD.match(line)) >= 2


def _above_rule(lines: Sequence[str], index: int) -> int:
    above = index - 1
    while above >= 0 and not lines[above].strip():
        above -= 1
    is_rule = above >= 0 and len(lines[above].strip()) >= _RULE and set(lines[above].strip()) <= set("_-")
    return above if is_rule else index


def _attribution_length(lines: Sequence[str], index: int) -> int:
    """How many lines the attribution that begins here has; programs wrap it. 0 where none begins."""
    first = lines[index].strip()
    if not first.startswith(phrases.OPENINGS):
        return 0
    joined = ""
    for length in range(1, _ATTRIBUTION_LINES + 1):
        if index + length > len(lines) or not lines[index + length - 1].strip():
            return 0
        joined = f"{joined} {lines[index + length - 1].strip()}".strip()
        if len(joined) > _MAX_PHRASE:
            return 0
        if joined.endswith(":") and any(pattern.match(joined) for pattern in phrases.ATTRIBUTIONS):
            return length
    return 0


def _is_followed_by_quote(lines: Sequence[str], index: int) -> bool:
    return next((lines[i].startswith(">") for i in range(index, len(lines)) if lines[i].strip()), False)


def _quoted_runs(lines: Sequence[str]) -> list[tuple[int, int]]:
    """Where quoted lines stand together, blank lines between them included: first, behind the last."""
    runs: list[tuple[int, int]] = []
    is_broken = True
    for index, line in enumerate(lines):
        if line.startswith(">"):
            if is_broken:
                runs.append((index, index + 1))
            else:
                runs[-1] = (runs[-1][0], index + 1)
            is_broken = False
        elif line.strip():
            is_broken = True
    return runs


def _attribution_start(lines: Sequence[str], quoted_from: int) -> int:
    """Where the attribution of the quote that begins here begins; the quote itself where it has none."""
    last = quoted_from - 1
    while last >= 0 and not lines[last].strip():
        last -= 1
    for start in range(max(0, last - _ATTRIBUTION_LINES + 1), last + 1):
        if _attribution_length(lines, start) == last - start + 1:
            return start
    return quoted_from


def _without_signature(lines: Sequence[str]) -> Sequence[str]:
    """The lines above the last signature's mark (RFC 3676, section 4.3)."""
    for index in range(len(lines) - 1, max(-1, len(lines) - _SIGNATURE_LINES - 1), -1):
        if lines[index].rstrip() == "--":
            return lines[:index]
    return lines
