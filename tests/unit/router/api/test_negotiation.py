"""Who gets a page, and who JSON."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.api.negotiation import prefers_html


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "TEXT/HTML; charset=utf-8",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "application/json;q=0.5, text/html;q=0.6",
        "text/*, application/json;q=0.9",
        "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",
    ],
)
def test_a_page_is_for_who_wants_it_most(accept: str) -> None:
    assert prefers_html(accept)


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/json",
        "application/json, text/html;q=0.1",
        "text/html, application/json",
        "text/html;q=0",
        "text/html;q=0, */*",
        "application/*, text/html;q=0.9",
        "text/html;q=nan",
        "text/html;q=2",
        "text/html;q=",
        "image/png",
    ],
)
def test_json_is_for_everybody_else(accept: str) -> None:
    assert not prefers_html(accept)


@given(st.text("texhmlapicon/*;,=q.01 ", max_size=60))
def test_no_header_breaks_it(accept: str) -> None:
    assert prefers_html(accept) in (True, False)
