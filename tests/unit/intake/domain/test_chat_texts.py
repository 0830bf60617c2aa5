from services.intake.domain.chat_texts import Line, missed, transcript
from tests.unit.intake.builders import NOW


def test_a_transcript_says_who_said_what_when() -> None:
    lines = [Line(NOW, None, "It does not print."), Line(NOW, "Grace", "Is it on?")]
    assert transcript(lines, "de-AT") == (
        "Dies ist Ihr Chat mit uns. Zeiten in UTC.\n\n"
        "[2026-03-02 09:00] Sie: It does not print.\n\n"
        "[2026-03-02 09:00] Grace: Is it on?"
    )


def test_a_language_that_nobody_wrote_for_is_english() -> None:
    assert missed("ja") == missed(None) == missed("en-GB")
    assert missed("fr") != missed("en")
