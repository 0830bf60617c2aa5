"""Tags and text of HTML, well-formed and not."""

from html import escape
from html.parser import HTMLParser
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.adapters.email.html_tokens import read, values_of

Heard: TypeAlias = list[tuple[str, ...]]


class Listener:
    """Keeps what it is told; the names and values of `class`, `id` and `href` are its attributes."""

    def __init__(self) -> None:
        self.heard: Heard = []

    def start(self, name: str, attributes: str) -> None:
        self.heard.append(("start", name, *values_of(attributes, "class", "id", "href")))

    def end(self, name: str) -> None:
        self.heard.append(("end", name))

    def text(self, text: str) -> None:
        self.heard.append(("text", text))


class Oracle(HTMLParser):
    """The standard library's parser, which agrees with us on what is well-formed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.listener = Listener()
        self.is_raw = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.is_raw = tag in ("script", "style")
        if not self.is_raw:
            self.listener.heard.append(("start", tag, *(value or "" for _, value in attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.is_raw = False
        self.listener.end(tag)

    def handle_data(self, data: str) -> None:
        if not self.is_raw:
            self.listener.text(data)


def whole(heard: Heard) -> Heard:
    """The same with neighbouring pieces of text as one."""
    joined: Heard = []
    for event in heard:
        if event[0] == "text" and joined and joined[-1][0] == "text":
            joined[-1] = ("text", joined[-1][1] + event[1])
        else:
            joined.append(event)
    return joined


def heard_of(html: str) -> Heard:
    listener = Listener()
    read(html, listener)
    return whole(listener.heard)


def text_of(html: str) -> str:
    return "".join(event[1] for event in heard_of(html) if event[0] == "text")


@pytest.mark.parametrize(
    ("html", "heard"),
    [
        ("<P>a</P>", [("start", "p"), ("text", "a"), ("end", "p")]),
        ("<o:p>a</o:p >", [("start", "o:p"), ("text", "a"), ("end", "o:p")]),
        ("<br/>", [("start", "br"), ("end", "br")]),
        ("<p class='x'/>", [("start", "p", "x"), ("end", "p")]),
        ("<a href=http://x.example/>", [("start", "a", "http://x.example/")]),
        ("<a\n HREF = 'x>y'\tid=\"z\">", [("start", "a", "x>y", "z")]),
        ("<a href='1'id=\"2\"class=3>", [("start", "a", "1", "2", "3")]),
        ("<a title=it's id=x>", [("start", "a", "x")]),
        ('<a title="id=y" id=x>', [("start", "a", "x")]),
        ("<a id='' class>", [("start", "a", "", "")]),
        ("<a id='a&amp;b'>", [("start", "a", "a&b")]),
        ("a < b <3 <", [("text", "a < b <3 <")]),
        ("&lt;b&gt; &eacute;&#8217;&nbsp;AT&T", [("text", "<b> é’\xa0AT&T")]),
    ],
)
def test_tags_are_told_from_text(html: str, heard: Heard) -> None:
    assert heard_of(html) == heard


@pytest.mark.parametrize(
    "hidden",
    [
        "<!-- <p>x</p> -->",
        "<!-->",
        "<!--->",
        "<!-- x --!>",
        "<!--[if mso]><p>x</p><![endif]-->",
        "<![if !mso]>",
        "<!DOCTYPE html PUBLIC '-//W3C//DTD HTML 4.01//EN'>",
        "<?xml version='1.0'?>",
        "</ x>",
    ],
)
def test_comments_and_what_is_taken_for_one_are_not_text(hidden: str) -> None:
    assert heard_of(f"a{hidden}b") == [("text", "ab")]


@pytest.mark.parametrize("name", ["script", "STYLE", "title"])
def test_scripts_styles_and_titles_are_not_text_whatever_stands_in_them(name: str) -> None:
    html = f"a<{name} type='x>y'>if (a<b) '</p>' <!-- '</{name}x>' </{name} >b"
    assert heard_of(html) == [("text", "a"), ("end", name.lower()), ("text", "b")]


@pytest.mark.parametrize("name", ["script", "style"])
def test_a_script_or_style_that_closes_itself_holds_nothing(name: str) -> None:
    assert text_of(f"a<{name}/>b<{name} id='x' />c") == "abc"


@pytest.mark.parametrize(
    "html",
    [
        "<script src=//x/>alert(1)</script>hi",
        "<style type=text/css/>p{}</style>hi",
        "<title>Fix <!-- here</title>hi",
        "hi<title>5 <b</title>",
    ],
)
def test_what_only_looks_like_an_end_or_a_beginning_is_neither(html: str) -> None:
    assert text_of(html) == "hi"


@pytest.mark.parametrize(
    "cut", ["<!-- x", "<!--", "<b", "<b id", "<b id='x>", "</b", "<!doctype", "<?", "<script>x"]
)
def test_what_does_not_end_reaches_to_the_end(cut: str) -> None:
    assert text_of(f"<p>a</p>{cut} b") == "a"


def test_a_reference_to_a_number_of_any_length_is_text() -> None:
    assert text_of(f"a &#{'9' * 5000};") == f"a &#{'9' * 5000};"


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<!",
        "<!-",
        "<!--",
        "<!-->",
        "</",
        "<a ",
        "<a b='",
        '<a b="c',
        "<a =",
        "<script>",
        "</script",
        "<style/",
    ],
)
def test_a_repeated_beginning_is_read(piece: str) -> None:
    """What takes quadratic time over it takes minutes to hours, and does not get beyond a test's time limit."""
    assert text_of(f"hello{piece * 500_000}").startswith("hello")


@given(st.text())
def test_escaped_text_comes_back(text: str) -> None:
    assert text_of(escape(text)) == text


_SIGNS = (
    *"<>/!-='\"&;? \nax",
    "<!--",
    "-->",
    "<script",
    "</script",
    "</",
    "<p ",
    "&#",
    "&lt",
    "class=",
    "\0",
    "\xa0",
)


@given(st.lists(st.sampled_from(_SIGNS), max_size=30).map("".join))
def test_anything_is_read_and_what_stands_before_it_is_kept(html: str) -> None:
    assert heard_of(f"<i>x</i>{html}")[:3] == [("start", "i"), ("text", "x"), ("end", "i")]


_NAMES = st.sampled_from(["p", "DIV", "o:p", "h1", "blockquote", "x-y"])
_ATTRIBUTES = st.tuples(
    st.sampled_from([" class=", "\n id = ", '\tclass="y" id=']), st.text().map(escape), st.sampled_from("\"'")
).map(lambda parts: f"{parts[0]}{parts[2]}{parts[1]}{parts[2]}")
_WELL_FORMED = st.one_of(
    st.text().map(escape),
    st.tuples(_NAMES, st.lists(_ATTRIBUTES, max_size=2), st.sampled_from(["", " ", "/", " /"])).map(
        lambda parts: f"<{parts[0]}{''.join(parts[1])}{parts[2]}>"
    ),
    _NAMES.map("</{}>".format),
    st.text("ab <\n'\"").map("<!--{}-->".format),
    st.text("ab <\n'\"").map("<script>{}</script>".format),
    st.sampled_from(["<!doctype html>", "<style>p > a { x: y }</style>", "<![endif]>", "<?xml version='1'?>"]),
)


@given(st.lists(_WELL_FORMED, max_size=8).map("".join))
def test_well_formed_html_is_what_the_standard_library_takes_it_for(html: str) -> None:
    oracle = Oracle()
    oracle.feed(html)
    oracle.close()
    assert heard_of(html) == whole(oracle.listener.heard)
