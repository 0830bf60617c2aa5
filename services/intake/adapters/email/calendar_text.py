"""What an invitation says (RFC 5545), for a mail that holds no other text."""

import re

_MAX_LINES = 2_000
_MAX_VALUE = 500
_TITLES = {
    "REQUEST": "Invitation",
    "PUBLISH": "Appointment",
    "CANCEL": "Cancelled",
    "REPLY": "Answer to an invitation",
    "COUNTER": "Another time is proposed",
    "ADD": "Further appointment",
    "REFRESH": "The appointment is asked for",
}
_ANSWERS = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "tentative", "DELEGATED": "delegated"}
_FOLD = re.compile(r"\n[ \t]")
_INSTANT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})\d{2}(Z?))?")
_ESCAPED = re.compile(r"\\([\\;,nN])")


def summary(text: str) -> str:
    """Its subject, time and place, line by line; empty where it names none of them."""
    method, event = "", dict[str, tuple[str, str]]()
    depth = ""
    for line in _FOLD.sub("", text.replace("\r\n", "\n")).split("\n", _MAX_LINES)[:_MAX_LINES]:
        name, _, value = line.partition(":")
        key, _, parameters = name.partition(";")
        match key.upper():
            case "METHOD":
                method = value.strip().upper()
            case "BEGIN":
                depth = value.strip().upper()
            case "END" if value.strip().upper() == "VEVENT":
                break
            case other if depth == "VEVENT":
                event.setdefault(other, (parameters, value))
    lines = [
        _line(_TITLES.get(method, "Appointment"), _value(event, "SUMMARY")),
        _line("When", " to ".join(filter(None, (_instant(event, "DTSTART"), _instant(event, "DTEND"))))),
        _line("Where", _value(event, "LOCATION")),
        _line("Answer", _answer(event) if method == "REPLY" else ""),
        _value(event, "DESCRIPTION"),
    ]
    return "\n".join(filter(None, lines)) if event else ""


def _line(title: str, value: str) -> str:
    return f"{title}: {value}" if value else ""


def _value(event: dict[str, tuple[str, str]], name: str) -> str:
    _, value = event.get(name, ("", ""))
    limit = _MAX_VALUE * 20 if name == "DESCRIPTION" else _MAX_VALUE
    return _ESCAPED.sub(lambda it: "\n" if it[1] in "nN" else it[1], value[:limit]).strip()


def _instant(event: dict[str, tuple[str, str]], name: str) -> str:
    parameters, value = event.get(name, ("", ""))
    if (found := _INSTANT.fullmatch(value.strip())) is None:
        return ""
    year, month, day, hour, minute, is_utc = found.groups()
    at = f"{year}-{month}-{day}" + (f" {hour}:{minute}" if hour else "")
    zone = next(
        (it[5:] for it in parameters.split(";") if it.upper().startswith("TZID=")), "UTC" if is_utc else ""
    )
    return f"{at} ({zone[:60]})" if zone else at


def _answer(event: dict[str, tuple[str, str]]) -> str:
    parameters, _ = event.get("ATTENDEE", ("", ""))
    answers = (it[9:].upper() for it in parameters.split(";") if it.upper().startswith("PARTSTAT="))
    return _ANSWERS.get(next(answers, ""), "")
