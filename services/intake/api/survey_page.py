"""The page of a survey: plain HTML that needs no script, no picture and nothing from elsewhere."""

from html import escape

from fastapi import Response

from services.intake.api.survey_texts import SurveyTexts
from services.intake.app.answering_ports import Survey
from services.intake.app.rate_ticket import MAX_COMMENT
from shared.http.pages import page
from shared.vocabulary import SurveyKind


def form(survey: Survey, texts: SurveyTexts, *, chosen: int | None, note: str = "", status: int = 200) -> Response:
    """The page with the form, this score chosen. What is chosen counts when the form is sent, not before."""
    is_nps = survey.form.kind is SurveyKind.NPS
    question = texts.nps_question if is_nps else texts.question
    lowest = texts.nps_lowest if is_nps else texts.lowest
    highest = texts.nps_highest if is_nps else texts.highest
    scores = "".join(
        f'<label><input type="radio" name="score" value="{score}" required'
        f"{' checked' if score == chosen else ''}> {score}</label>"
        for score in survey.form.scores
    )
    return _page(
        texts,
        (f'<p class="note" role="status">{escape(note)}</p>' if note else "")
        + '<form method="post">'
        + f"<fieldset><legend>{escape(question)}</legend>"
        + f'<div class="scale"><span>{escape(lowest)}</span>{scores}<span>{escape(highest)}</span></div>'
        + "</fieldset>"
        + f'<p><label for="comment">{escape(texts.comment)}</label>'
        + f'<textarea id="comment" name="comment" rows="5" maxlength="{MAX_COMMENT}">'
        # A line break behind the tag is the tag's: one that is the text's own stays behind it.
        + f"\n{escape(survey.comment)}</textarea></p>"
        + f"<p><button>{escape(texts.send)}</button></p></form>",
        status,
    )


def gone(texts: SurveyTexts) -> Response:
    """The page for whatever is not open: one that is over, that never was, that somebody made up."""
    return _page(texts, f'<p class="note" role="status">{escape(texts.gone)}</p>', 404)


def busy(texts: SurveyTexts) -> Response:
    """The page for who comes too often."""
    response = _page(texts, '<p class="note" role="status">…</p>', 429)
    response.headers["Retry-After"] = "60"
    return response


def _page(texts: SurveyTexts, content: str, status: int) -> Response:
    return page(language=texts.language, title=texts.title, content=content, status=status)
