"""Answers as mail programs write them: what their writer added is left, and nothing else is lost."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.quotes import new_text, parts_of
from services.intake.domain.reply_line import reply_line

ANSWER = "Thank you, that worked.\n\nOne more thing: where is the manual?"

GMAIL_EN = f"""{ANSWER}

On Thu, Mar 12, 2026 at 10:15\u202fAM Acme Support <
support+t.abc@acme.example> wrote:

> Hello Ada,
>
> please switch it on.
> On Wed, Mar 11, 2026 at 9:00 AM Ada <ada@example.org> wrote:
>
>> It does not print.
"""

GMAIL_DE = f"""{ANSWER}

Am Do., 12. März 2026 um 10:15 Uhr schrieb Acme Support <
support@acme.example>:

> Hallo Ada,
> bitte einschalten.
"""

GMAIL_ES = f"""{ANSWER}

El jue, 12 mar 2026 a las 10:15, Acme Support (<support@acme.example>)
escribió:

> Hola Ada,
> enciéndalo, por favor.
"""

GMAIL_FR = f"""{ANSWER}

Le jeu. 12 mars 2026 à 10:15, Acme Support <support@acme.example> a
écrit :

> Bonjour Ada,
> veuillez l'allumer.
"""

OUTLOOK_EN = f"""{ANSWER}

________________________________
From: Acme Support <support@acme.example>
Sent: Thursday, March 12, 2026 10:15 AM
To: Ada Lovelace <ada@example.org>
Subject: Re: It does not print

Hello Ada,

please switch it on.
"""

OUTLOOK_DE = f"""{ANSWER}

Von: Acme Support <support@acme.example>
Gesendet: Donnerstag, 12. März 2026 10:15
An: Ada Lovelace <ada@example.org>
Betreff: AW: Es druckt nicht

Hallo Ada,

bitte einschalten.
"""

OUTLOOK_ES = f"""{ANSWER}

________________________________
De: Acme Support <support@acme.example>
Enviado: jueves, 12 de marzo de 2026 10:15
Para: Ada Lovelace <ada@example.org>
Asunto: RE: No imprime

Hola Ada, enciéndalo.
"""

OUTLOOK_FR = f"""{ANSWER}

De : Acme Support <support@acme.example>
Envoyé : jeudi 12 mars 2026 10:15
À : Ada Lovelace <ada@example.org>
Objet : RE: Elle n'imprime pas

Bonjour Ada, veuillez l'allumer.
"""

OUTLOOK_2003 = f"""{ANSWER}

-----Original Message-----
From: Acme Support [mailto:support@acme.example]
Sent: Thursday, March 12, 2026 10:15 AM
To: Ada Lovelace
Subject: RE: It does not print

Hello Ada
"""

OUTLOOK_2003_DE = f"""{ANSWER}

-----Ursprüngliche Nachricht-----
Von: Acme Support
Gesendet: Donnerstag, 12. März 2026 10:15

Hallo Ada
"""

OUTLOOK_MOBILE = f"""{ANSWER}

*From:* Acme Support <support@acme.example>
*Sent:* Thursday, March 12, 2026 10:15 AM
*To:* Ada Lovelace <ada@example.org>
*Subject:* Re: It does not print

Hello Ada
"""

APPLE_EN = f"""{ANSWER}

> On 12. Mar 2026, at 10:15, Acme Support <support@acme.example> wrote:
>\x20
> Hello Ada,
>\x20
> please switch it on.
"""

APPLE_DE = f"""{ANSWER}

> Am 12.03.2026 um 10:15 schrieb Acme Support <support@acme.example>:
>\x20
> Hallo Ada
"""

APPLE_ES = f"""{ANSWER}

> El 12 mar 2026, a las 10:15, Acme Support <support@acme.example> escribió:
>\x20
> Hola Ada
"""

APPLE_FR = f"""{ANSWER}

> Le 12 mars 2026 à 10:15, Acme Support <support@acme.example> a écrit :
>\x20
> Bonjour Ada
"""

APPLE_WITHOUT_MARKS = f"""{ANSWER}

On 12. Mar 2026, at 10:15, Acme Support <support@acme.example> wrote:

Hello Ada,
please switch it on.
"""

THUNDERBIRD_EN = """On 12/03/2026 10:15, Acme Support wrote:
> Hello Ada,
> please switch it on.

Thank you, that worked.

One more thing: where is the manual?

--\x20
Ada Lovelace
Analytical Engines Ltd.
"""

THUNDERBIRD_DE = f"""Am 12.03.26 um 10:15 schrieb Acme Support:
> Hallo Ada,
> bitte einschalten.
{ANSWER}
"""

THUNDERBIRD_ES = f"""El 12/3/26 a las 10:15, Acme Support escribió:
> Hola Ada

{ANSWER}
"""

THUNDERBIRD_FR = f"""Le 12/03/2026 à 10:15, Acme Support a écrit :
> Bonjour Ada

{ANSWER}
"""

YAHOO = f"""{ANSWER}

    On Thursday, March 12, 2026 at 10:15:00 AM GMT+1, Acme Support <support@acme.example> wrote:\x20\x20
\x20
 Hello Ada,
please switch it on.
"""

ANSWERS = {
    name: text
    for name, text in list(globals().items())
    if name.startswith(("GMAIL", "OUTLOOK", "APPLE", "THUNDERBIRD", "YAHOO"))
}


@pytest.mark.parametrize("text", ANSWERS.values(), ids=ANSWERS)
def test_what_is_quoted_is_cut(text: str) -> None:
    assert new_text(text) == ANSWER


def test_answers_between_the_lines_stay_whole() -> None:
    text = "On 12/03/2026 10:15, Acme wrote:\n> Is it on?\n\nYes.\n\n> Is there paper?\n\nNo, should there be?"
    assert new_text(text) == text


def test_one_question_answered_below_it_leaves_the_answer() -> None:
    assert new_text("> Is it on?\n\nYes.") == "Yes."


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Fwd: Invoice", "See below.\n\n---------- Forwarded message ---------\nFrom: Bob <b@x.example>\n\nPay!"),
        ("WG: Rechnung", "Bitte prüfen.\n\nVon: Bob\nGesendet: heute\nAn: Ada\nBetreff: Rechnung\n\nZahlen!"),
        ("Invoice", "See below.\n\nBegin forwarded message:\n\nFrom: Bob\nDate: today\nTo: Ada\n\nPay!"),
        ("Rechnung", "-------- Weitergeleitete Nachricht --------\nBetreff: x\nVon: Bob\n\nZahlen!"),
    ],
)
def test_what_is_forwarded_stays_whole(subject: str, text: str) -> None:
    assert new_text(text, subject) == text


def test_a_mail_of_nothing_but_a_quote_stays_whole() -> None:
    text = "On 12/03/2026 10:15, Acme Support wrote:\n> Hello Ada"
    assert new_text(text) == text


def test_a_signature_is_cut_and_a_line_of_dashes_is_not() -> None:
    assert new_text("Help!\n-- \nAda\n+49 30 123456") == "Help!"
    assert new_text("Help!\n---\nAda") == "Help!\n---\nAda"


def test_a_signature_above_the_quote_is_cut_too() -> None:
    assert new_text("Help!\n\n-- \nAda\n\nOn 12/03/2026 10:15, Acme wrote:\n> Hello") == "Help!"


@pytest.mark.parametrize(
    "text",
    [
        "On Monday my colleague wrote:\nit does not print.",
        "From: the printer\nIt does not print.",
        "Am 12. März habe ich bestellt.\nWo bleibt es?",
        "The steps:\n1. On\n2. Off",
    ],
)
def test_what_only_looks_like_a_quote_stays(text: str) -> None:
    assert new_text(text) == text


@given(st.text(max_size=500), st.text(max_size=50))
def test_something_of_a_text_is_always_left(text: str, subject: str) -> None:
    assert bool(new_text(text, subject)) == bool(text.strip())


LINES = (
    *(
        "> a",
        ">> b",
        "",
        "b",
        "-- ",
        "--",
        "a:",
        "____________",
        "---- Original Message ----",
        "Sent from my iPhone",
    ),
    *("On 1 March 2026 at 10:15 x <x@y.example> wrote:", "> On 1 March 2026, x wrote:", "x@y.example> wrote:"),
    *("From: x <x@y.example>", "Sent: y", "To: z", "Subject: s", "Message: m", "##- Reply above -##"),
    *("---- Forwarded message ----", "Feladó: x@y.example", "2026.03.12. 10:15", "\ufeff", "  c"),
)


@given(st.lists(st.sampled_from(LINES), max_size=30), st.sampled_from(["", "Re: x", "Fwd: x", "VS: x"]))
def test_what_is_left_are_lines_that_were_there_in_their_order(lines: list[str], subject: str) -> None:
    whole = "\n".join(lines)
    parts = parts_of(whole, subject)
    if parts.new_text == whole.strip():
        return
    given_lines = iter(line.strip() for line in whole.strip().split("\n"))
    written = [line.strip() for line in f"{parts.new_text}\n{parts.signature}".split("\n") if line.strip()]
    assert all(line in given_lines for line in written)


@given(st.text(max_size=500), st.text(max_size=50))
def test_any_text_is_taken_apart(text: str, subject: str) -> None:
    parts = parts_of(text, subject)
    assert parts.new_text == parts.new_text.strip()
    assert not parts.signature or parts.new_text != text.strip()


def test_a_signature_is_kept_apart() -> None:
    parts = parts_of("Help!\n-- \nAda\n+49 30 123456\n\nOn 12/03/2026 10:15, Acme wrote:\n> Hello")
    assert (parts.new_text, parts.signature) == ("Help!", "--\nAda\n+49 30 123456")
    assert parts_of("Help!\n\nSent from my iPhone").signature == "Sent from my iPhone"
    assert not parts_of("Help!").signature


def test_our_own_line_is_known_in_any_language() -> None:
    for line in (reply_line(), reply_line("Bitte antworten Sie oberhalb dieser Zeile")):
        assert new_text(f"Help!\n{line}\nHello Ada") == "Help!"
        assert new_text(f"Help!\n> {line}\n> Hello Ada") == "Help!"


HOSTILE = (
    *("On 1 x", "On 1 March 2026 at 10:15 x <x@y.example>", "12.03.2026 10:15 x@y.example:", "> a", ">", ">\nb"),
    *(
        "From: x@y.example\nTo: z",
        "To: z",
        "a:",
        "-----",
        "____________________",
        "--",
        "\ufeff:",
        "Sent from my x",
    ),
    *("-----Original Messag", "> On 1 March 2026 x:", "##-", ":  ", "x " * 100),
)


@pytest.mark.parametrize("line", HOSTILE)
def test_twice_the_text_takes_twice_the_steps(line: str) -> None:
    def steps(times: int) -> int:
        counted = 0

        def count(*_: object) -> None:
            nonlocal counted
            counted += 1

        text = f"{line}\n" * times
        sys.setprofile(count)
        try:
            new_text(text)
        finally:
            sys.setprofile(None)
        return counted

    assert steps(400) <= 2.2 * steps(200) + 100


@pytest.mark.parametrize(
    "piece", [">", "-", " ", "a@", "12.03.2026 ", "&nbsp;", "<https://", "x:", ":  ", "\u2060"]
)
def test_a_line_of_any_length_is_read(piece: str) -> None:
    """What takes quadratic time over it takes hours, and does not get beyond a test's time limit."""
    text = f"Help!\n\n{piece * 300_000}"
    assert new_text(f"{text}\n\nOn 12/03/2026 10:15, Acme wrote:\n> Hello").startswith("Help!")
