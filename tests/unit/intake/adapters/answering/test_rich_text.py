"""HTML that is safe to show and to send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.adapters.answering.rich_text import Nh3RichText

RICH = Nh3RichText()


@pytest.mark.parametrize(
    ("html", "clean"),
    [
        ("<p>Hello <b>you</b></p>", "<p>Hello <b>you</b></p>"),
        ('<p onclick="x()" style="color:red" class="c">Hi</p>', "<p>Hi</p>"),
        ("<script>alert(1)</script>Hi", "Hi"),
        ("<style>p{}</style>Hi<iframe src='https://x'></iframe>", "Hi"),
        ("<form action='https://x'><input name=a><button>b</button></form>", "b"),
        ('<img src="https://track.example/p.png" alt="x">', '<img alt="x">'),
        ('<img src="data:image/png;base64,AAAA">', "<img>"),
        ('<img src="cid:logo" width="10">', '<img src="cid:logo" width="10">'),
        (
            '<a href="https://a.example/?b=1">l</a>',
            '<a href="https://a.example/?b=1" rel="noopener noreferrer">l</a>',
        ),
        ('<a href="http://a.example">l</a>', '<a rel="noopener noreferrer">l</a>'),
        ('<a href="javascript:alert(1)">l</a>', '<a rel="noopener noreferrer">l</a>'),
        ('<a href=" java\nscript:alert(1)">l</a>', '<a rel="noopener noreferrer">l</a>'),
        ('<a href="cid:x">l</a>', '<a rel="noopener noreferrer">l</a>'),
        ('<a href="/relative">l</a>', '<a rel="noopener noreferrer">l</a>'),
        ("<base href='https://x'><meta http-equiv=refresh content='0;url=https://x'>Hi", "Hi"),
        ("<!-- c -->Hi", "Hi"),
    ],
)
def test_only_what_is_harmless_stays(html: str, clean: str) -> None:
    assert RICH.clean(html) == clean


@given(st.text() | st.from_regex(r"(<[a-z]{1,8} [a-z]{1,8}=\"?[a-z:/]{0,12}\"?>){0,6}"))
def test_cleaning_again_changes_nothing(html: str) -> None:
    clean = RICH.clean(html)
    assert RICH.clean(clean) == clean
    assert "<script" not in clean.lower()


def test_html_alone_gets_a_text() -> None:
    assert RICH.to_text("<p>Hello</p><ul><li>one<li>two</ul>").split() == ["Hello", "-", "one", "-", "two"]
