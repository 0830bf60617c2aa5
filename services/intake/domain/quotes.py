"""Cuts what a mail quotes from what its writer added.

Answers between the quoted lines stay as they are, a forwarded mail too, and where nothing would be left all
of it stays: it is better to show too much than to lose what somebody wrote.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.intake.domain import quote_lines
from services.intake.domain.quote_lines import Field
from services.intake.domain.reply_line import is_reply_line

_MAX_LINES = 20_000
_ATTRIBUTION_LINES = 4
_HEADER_LINES = 12
_SIGNATURE_LINES = 20
_MOBILE_LINES = 3
_DIVIDER_SIGNS = "-_=*—>#|"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A mail's text, taken apart. The quoted part is not among them: the whole text is kept beside them."""

    new_text: str
    signature: str


def new_text(text: str, subject: str = "") -> str:
    """The text without quotes and signature; all of it where nothing else would be left."""
    return parts_of(text, subject).new_text


def parts_of(text: str, subject: str = "") -> Parts:
    """What was written, and the signature below it."""
    whole = text.strip()
    lines = [line.replace("\xa0", " ").replace("\ufeff", "").rstrip() for line in whole.split("\n", _MAX_LINES)]
    if quote_lines.is_forward_subject(subject, lines):
        return Parts(new_text=whole, signature="")
    kept = _without_quotes(lines)
    if kept is None:
        return Parts(new_text=whole, signature="")
    end = _signature_start(kept)
    written = "\n".join(kept[:end]).strip()
    if not written:
        return Parts(new_text=whole, signature="")
    return Parts(new_text=written, signature="\n".join(kept[end:]).strip())


def _without_quotes(lines: Sequence[str]) -> list[str] | None:
    """The lines that are not quoted; None where the text has to stay whole."""
    end = _divider(lines)
    quote = _quoted_run(lines[:end]) if end is not None else None
    if end is None or quote is None:
        return None
    (first, last), is_divided = quote, end < len(lines)
    below = _without_rules(lines[last:end]) if is_divided else list(lines[last:end])
    if any(below):
        begin = next(index for index, line in enumerate(below) if line.strip())
        return [*_without_rules(lines[:first]), "", *below[begin:]]
    is_cut = is_divided or last > first
    return _without_rules(lines[:first]) if is_cut else list(lines[:first])


def _divider(lines: Sequence[str]) -> int | None:
    """The line from which on everything is quoted, len(lines) where there is none; None for a forwarded mail."""
    is_in_run = False
    for index, line in enumerate(lines):
        text = line.strip()
        if not text:
            continue
        was_in_run, is_in_run = is_in_run, text.startswith(">")
        if len(text) > quote_lines.MAX_PHRASE or (was_in_run and is_in_run):
            continue
        if text[0] not in _DIVIDER_SIGNS and ":" not in text and "：" not in text:
            continue
        if quote_lines.is_forwarded(text):
            return None
        if quote_lines.is_original(text):
            return index
        if is_in_run:
            continue
        if is_reply_line(text):
            return _above_announcement(lines, index)
        if _is_header_block(lines, index):
            return index
        if _is_colon_at_end(text) and not _is_followed_by_quote(lines, index + 1):
            start = _announcement_start(lines, index, is_above_quote=False)
            if start is not None:
                return start
    return len(lines)


def _is_colon_at_end(text: str) -> bool:
    """Yahoo's program for telephones writes the quote behind the colon, after some spaces."""
    return text.endswith((":", "：")) or ":  " in text


def _above_announcement(lines: Sequence[str], index: int) -> int:
    above = _written_above(lines, index)
    start = _announcement_start(lines, above, is_above_quote=True) if above >= 0 else None
    return index if start is None else start


def _announcement_start(lines: Sequence[str], last: int, *, is_above_quote: bool) -> int | None:
    """Where the attribution begins that ends in this line; programs wrap it. None where none does."""
    joined = ""
    for start in range(last, max(-1, last - _ATTRIBUTION_LINES), -1):
        text = lines[start].strip()
        if not text or text.startswith(">"):
            return None
        joined = f"{text.partition(':  ')[0]}:" if start == last and ":  " in text else f"{text} {joined}".strip()
        if len(joined) > quote_lines.MAX_PHRASE:
            return None
        if quote_lines.announces(joined, is_above_quote=is_above_quote):
            return start
    return None


def _is_header_block(lines: Sequence[str], index: int) -> bool:
    """Whether a repeated header begins here: its sender, its recipient, and when or about what.

    Below a rule the sender and one more are enough, or three fields in a language that nobody has told us of.
    A field that no mail has (`Message:`) makes it what a form on a web site has sent.
    """
    field = quote_lines.field_of(lines[index])
    above = _written_above(lines, index)
    is_ruled = above >= 0 and quote_lines.is_rule(lines[above])
    if field is None:
        return is_ruled and _is_foreign_block(lines[index : index + _HEADER_LINES])
    found, is_addressed = set(), False
    is_after_field = True
    for line in lines[index : index + _HEADER_LINES]:
        if not line.strip():
            is_after_field = False
            continue
        if field := quote_lines.field_of(line):
            found.add(field)
        elif is_after_field and _is_unknown_field(line):
            return False
        elif not is_after_field or not _continues(line):
            break
        is_after_field = True
        is_addressed = is_addressed or quote_lines.has_address(line)
    if Field.SENDER not in found:
        return False
    if is_ruled:
        return len(found) >= 2
    is_whole = Field.RECIPIENT in found and not found.isdisjoint({Field.SENT, Field.SUBJECT})
    return is_whole and (is_addressed or Field.SUBJECT in found)


def _is_unknown_field(line: str) -> bool:
    return quote_lines.is_any_field(line) and not quote_lines.has_address(line)


def _continues(line: str) -> bool:
    """Whether a line may be the rest of a field that was wrapped."""
    return line[:1].isspace() or line.rstrip().endswith((";", ">", ","))


def _is_foreign_block(lines: Sequence[str]) -> bool:
    written = [line for line in lines if line.strip()][:4]
    return (
        len(written) >= 3
        and all(quote_lines.is_any_field(line) for line in written[:3])
        and any(quote_lines.has_address(line) for line in written)
        and any(quote_lines.has_date(line) for line in written)
    )


def _written_above(lines: Sequence[str], index: int) -> int:
    """The last line above this one that is not blank; -1 where there is none."""
    above = index - 1
    while above >= 0 and not lines[above].strip():
        above -= 1
    return above


def _is_followed_by_quote(lines: Sequence[str], index: int) -> bool:
    return next((lines[i].startswith(">") for i in range(index, len(lines)) if lines[i].strip()), False)


def _quoted_run(lines: Sequence[str]) -> tuple[int, int] | None:
    """Where the quote begins with its attribution, and where it ends; None for answers between quoted lines.

    Marked lines that nothing announces are the customer's own, unless they stand above everything.
    """
    runs = _quoted_runs(lines)
    for number, (first, last) in enumerate(runs):
        above = _written_above(lines, first)
        start = _announcement_start(lines, above, is_above_quote=True) if above >= 0 else None
        if start is None and not _announces_itself(lines[first:last]):
            continue
        if number < len(runs) - 1:
            return None
        return first if start is None else start, last
    if len(runs) > 1:
        return None
    return runs[0] if runs and not any(lines[: runs[0][0]]) else (len(lines), len(lines))


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


def _announces_itself(run: Sequence[str]) -> bool:
    """Whether quoted lines begin with what announces them, as Apple Mail writes it; or quote lines in turn."""
    depths = {line.replace(" ", "")[:2] == ">>" for line in run if line.strip("> ")}
    if len(depths) > 1:
        return True
    texts = (line.lstrip("> \ufeff") for line in run[: _HEADER_LINES * 2])
    inner = [text for text in texts if text and not quote_lines.is_rule(text)]
    if not inner or any(map(is_reply_line, inner)):
        return bool(inner)
    announced = any(
        quote_lines.announces(" ".join(inner[:length]), is_above_quote=True)
        for length in range(1, _ATTRIBUTION_LINES + 1)
    )
    fields = {field for line in inner[:4] if (field := quote_lines.field_of(line))}
    return announced or len(fields) >= 2 or quote_lines.is_original(inner[0]) or _is_foreign_block(inner)


def _without_rules(lines: Sequence[str]) -> list[str]:
    """The lines without blank and drawn ones at their end."""
    end = len(lines)
    while end and (not lines[end - 1].strip() or quote_lines.is_rule(lines[end - 1])):
        end -= 1
    return list(lines[:end])


def _signature_start(lines: Sequence[str]) -> int:
    """Where the signature begins: at its mark (RFC 3676, section 4.3), or where a telephone has signed."""
    end = len(lines)
    for index in range(end - 1, max(-1, end - _SIGNATURE_LINES - 1), -1):
        if lines[index].rstrip() == "--":
            end = index
            break
    for _ in range(_MOBILE_LINES):
        last = _written_above(lines, end)
        if last < 0 or not quote_lines.is_sent_from(lines[last]):
            break
        end = last
    return end
