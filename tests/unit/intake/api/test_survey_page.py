"""The page of a survey, and how often one may come."""

import pytest

from services.intake.api import survey_page
from services.intake.api.survey_texts import texts_in
from services.intake.app.answering_ports import Survey
from services.intake.domain.notice_plan import SurveyForm
from shared.http.throttle import Throttle
from shared.vocabulary import SurveyKind
from tests.unit.intake.builders import NOW, an_id


def a_survey(kind: SurveyKind = SurveyKind.CSAT, scale: int = 5, comment: str = "") -> Survey:
    return Survey(
        workspace_id="acme",
        ticket_id=an_id(1),
        form=SurveyForm(kind=kind, scale=scale),
        agent_id=None,
        language="de",
        sent_at=NOW,
        comment=comment,
    )


@pytest.mark.parametrize(("kind", "scale", "first"), [(SurveyKind.CSAT, 5, 1), (SurveyKind.NPS, 10, 0)])
def test_every_score_can_be_chosen_and_the_named_one_is(kind: SurveyKind, scale: int, first: int) -> None:
    page = bytes(survey_page.form(a_survey(kind, scale), texts_in("en"), chosen=3).body).decode()
    assert page.count('type="radio"') == scale - first + 1
    assert page.count(" checked>") == 1
    assert 'value="3" required checked>' in page


def test_nothing_on_it_runs_or_is_fetched_and_nobody_keeps_it() -> None:
    response = survey_page.form(a_survey(comment="</textarea><script>x</script>"), texts_in("de"), chosen=None)
    page = bytes(response.body).decode()
    assert "<script" not in page
    assert '<html lang="de">' in page
    assert "src=" not in page
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["cache-control"] == "no-store"
    assert "noindex" in response.headers["x-robots-tag"]
    assert response.headers["referrer-policy"] == "no-referrer"


def test_a_language_that_the_page_does_not_speak_is_english() -> None:
    assert [texts_in(language).language for language in ("de-AT", "zh-Hans", "fi", None)] == [
        *("de", "zh", "en", "en")
    ]


def test_whoever_comes_too_often_waits_and_nobody_else() -> None:
    now = [0.0]
    throttle = Throttle(2, clock=lambda: now[0])
    assert [throttle.admits("a") for _ in range(3)] == [True, True, False]
    assert throttle.admits("b")
    now[0] = 60.0
    assert throttle.admits("a")
