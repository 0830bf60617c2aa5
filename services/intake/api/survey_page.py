"""The page of a survey: plain HTML that needs no script, no picture and nothing from elsewhere."""

import base64
import hashlib
from html import escape

from fastapi import Response

from services.intake.api.survey_texts import SurveyTexts
from services.intake.app.answering_ports import Survey
from services.intake.app.rate_ticket import MAX_COMMENT
from shared.vocabulary import SurveyKind

_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:38rem;margin:3rem auto;padding:0 1rem;color:#1a1a1a;"
    "background:#fff}"
    "fieldset{border:1px solid #767676;border-radius:.4rem;margin:0 0 1.5rem;padding:1rem}"
    "legend{font-weight:600;padding:0 .4rem}"
    ".scale{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center}"
    ".scale label{border:1px solid #767676;border-radius:.4rem;padding:.5rem .8rem;min-width:1.5rem}"
    "textarea{width:100%;box-sizing:border-box;font:inherit;padding:.5rem}"
    "button{font:inherit;padding:.6rem 1.6rem;border:0;border-radius:.4rem;background:#0b5394;color:#fff}"
    ":focus-visible{outline:3px solid #0b5394;outline-offset:2px}"
    ".note{border-left:.3rem solid #0b5394;padding:.3rem 1rem}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


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
    html = (
        f'<!doctype html><html lang="{texts.language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="robots" content="noindex, nofollow"><title>{escape(texts.title)}</title>'
        f"<style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(texts.title)}</h1>{content}</main></body></html>"
    )
    return Response(html, status, dict(_HEADERS), "text/html; charset=utf-8")
