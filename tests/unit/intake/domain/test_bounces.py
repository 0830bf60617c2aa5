"""Bounces as old servers and large providers write them: which address failed, why, and which mail it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.bounces import failures_in, is_bouncer, original_ids

QMAIL = """Hi. This is the qmail-send program at mx.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<Ada@EXAMPLE.org>:
192.0.2.1 does not like recipient.
Remote host said: 550 5.1.1 <Ada@example.org>: user unknown
Giving up on 192.0.2.1.

--- Below this line is a copy of the message.

Return-Path: <support@acme.example>
Message-ID: <ours@acme.example>
To: other@example.org
"""

POSTFIX = """This is the mail system at host mx.example.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

                   The mail system

<ada@example.org>: host mx.example.org[192.0.2.1] said: 552 5.2.2 Mailbox full (in
    reply to RCPT TO command)

<bob@example.org>: unknown user: "bob"
"""

EXIM = """This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  ada@example.org
    host mx.example.org [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<ada@example.org>:
    550 No such user here

------ This is a copy of the message, including all the headers. ------

Message-Id: <ours@acme.example>
"""

EXIM_DELAYED = """This message was created automatically by mail delivery software.
A message that you sent has not yet been delivered to one or more of its
recipients after more than 24 hours on the queue on mx.example.

The address to which the message has not yet been delivered is:

  ada@example.org
    host mx.example.org [192.0.2.1]: Connection timed out

No action is required on your part. Delivery attempts will continue.
"""

SENDMAIL = """   ----- The following addresses had permanent fatal errors -----
<ada@example.org>
    (reason: 550 5.1.1 <ada@example.org>... User unknown)

   ----- Transcript of session follows -----
... while talking to mx.example.org.:
"""

EXCHANGE = """Your message did not reach some or all of the intended recipients.

      Subject:	Re: It does not print
      Sent:	3/12/2026 10:15 AM

The following recipient(s) could not be reached:

      ada@example.org on 3/12/2026 10:16 AM
            The e-mail account does not exist at the organization this message was sent to.
            <mx.example #5.1.1>
"""

OFFICE_365 = """Delivery has failed to these recipients or groups:

ada@example.org (ada@example.org)
Your message wasn't delivered. Despite repeated attempts to contact the recipient's email system it didn't respond.

Diagnostic information for administrators:
Generating server: mx.example
ada@example.org
Remote Server returned '550 5.4.300 Message expired'

Original message headers:
Received: from other@example.org
"""

GMAIL = """
** Address not found **

Your message wasn't delivered to ada@example.org because the address couldn't be found.

The response from the remote server was:
550 5.1.1 The email account that you tried to reach does not exist.
"""

GERMAN = """Ihre Nachricht wurde nicht zugestellt an:

ada@example.org

Grund: 550 unbekannter Empfänger
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (QMAIL, [("Ada@example.org", "failed", "5.1.1")]),
        (POSTFIX, [("ada@example.org", "failed", "5.2.2"), ("bob@example.org", "failed", "5.2.2")]),
        (EXIM, [("ada@example.org", "failed", "5.0.0")]),
        (EXIM_DELAYED, [("ada@example.org", "delayed", "")]),
        (SENDMAIL, [("ada@example.org", "failed", "5.1.1")]),
        (EXCHANGE, [("ada@example.org", "failed", "5.1.1")]),
        (OFFICE_365, [("ada@example.org", "failed", "5.4.300")]),
        (GMAIL, [("ada@example.org", "failed", "5.1.1")]),
        (GERMAN, [("ada@example.org", "failed", "5.0.0")]),
        ("Hello,\n\nada@example.org is my new address.\n", []),
        ("Delivery has failed, and nobody says to whom.", []),
        ("", []),
    ],
    ids=[
        *("qmail", "Postfix", "Exim", "Exim, delayed", "Sendmail", "Exchange", "Microsoft 365", "Gmail", "German"),
        *("a letter", "nobody", "nothing"),
    ],
)
def test_the_failing_addresses_are_found(text: str, expected: list[tuple[str, str, str]]) -> None:
    found = failures_in(text, named=(), sender="mailer-daemon@mx.example")
    assert [(failure.address, failure.action, failure.status) for failure in found] == expected
    assert all(failure.diagnostic for failure in found)


def test_addresses_that_the_headers_name_are_not_looked_for() -> None:
    found = failures_in("Sorry. other@example.org", named=["ada@example.org"], sender="mailer-daemon@mx.example")
    assert [failure.address for failure in found] == ["ada@example.org"]


def test_who_writes_a_bounce_has_not_failed() -> None:
    text = "postmaster@mx.example\nYour mail could not be delivered to\nada@example.org"
    found = failures_in(text, named=(), sender="Postmaster@mx.example")
    assert [failure.address for failure in found] == ["ada@example.org"]


@pytest.mark.parametrize("text", [QMAIL, EXIM])
def test_the_mail_that_did_not_arrive_is_found(text: str) -> None:
    assert original_ids(text) == ["<ours@acme.example>"]


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        ("MAILER-DAEMON@mx.example", True),
        ("postmaster@mx.example", True),
        ("MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@acme.example", True),
        ("ada@example.org", False),
    ],
)
def test_those_who_write_bounces_are_known(address: str, is_one: bool) -> None:
    assert is_bouncer(address) is is_one


@pytest.mark.parametrize(
    "piece", ["a", "a@", "a@b.", "<a@b.c>: 550 ", "delivery to ", "-", "Message-ID:", "\n<a@b.c>"]
)
def test_any_text_is_looked_through(piece: str) -> None:
    """What takes quadratic time over it takes hours, and does not get beyond a test's time limit."""
    failures_in("was not delivered\n" + piece * 100_000, named=(), sender="")
    original_ids(piece * 100_000)


@given(st.text(max_size=400))
def test_no_text_breaks_it(text: str) -> None:
    for failure in failures_in(f"undeliverable {text}", named=(), sender=""):
        assert "@" in failure.address
