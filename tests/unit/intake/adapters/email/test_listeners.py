import pytest

from services.intake.adapters.email.listeners import one_of

TAKEN, AGAIN, NOBODY, REFUSED = "250 2.0.0 Accepted", "451 4.3.0 Not now, try again", "550 no", "554 no"


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([TAKEN], TAKEN),
        ([TAKEN, TAKEN], TAKEN),
        ([NOBODY, TAKEN], TAKEN),
        ([TAKEN, REFUSED], TAKEN),
        ([TAKEN, NOBODY, AGAIN], AGAIN),
        ([NOBODY, AGAIN], AGAIN),
        ([NOBODY, REFUSED], NOBODY),
    ],
)
def test_what_any_workspace_has_taken_is_not_refused(answers: list[str], said: str) -> None:
    assert one_of(answers) == said
