"""HTML of the kinds that mail programs write, as the text that a person sees."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.adapters.email.html_text import to_text

GMAIL = """<div dir="ltr">Hi,<div><br></div><div>the <b>app</b> crashes&nbsp;again:</div><div><ul>\
<li>iPhone 15</li><li>iOS 18.1<br></li></ul></div></div><br><div class="gmail_quote gmail_quote_container">\
<div dir="ltr" class="gmail_attr">On Thu, Mar 12, 2026 at 10:15 AM Support &lt;\
<a href="mailto:s@m.example">s@m.example</a>&gt; wrote:<br></div>\
<blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex"><div>Hello Ada</div></blockquote></div>"""

GMAIL_TEXT = """\
Hi,

the app crashes again:

- iPhone 15
- iOS 18.1


On Thu, Mar 12, 2026 at 10:15 AM Support <s@m.example> wrote:
> Hello Ada"""

OUTLOOK = r"""<html xmlns:o="urn:schemas-microsoft-com:office:office"><head>
<!--[if !mso]><style>v\:* {behavior:url(#default#VML);}</style><![endif]--><style><!--
p.MsoNormal > a {margin:0cm;}
--></style><!--[if gte mso 9]><xml><o:shapedefaults v:ext="edit" /></xml><![endif]--></head>
<body lang="DE"><div class="WordSection1"><p class="MsoNormal">Guten Tag,<o:p></o:p></p>
<p class="MsoNormal"><o:p>&nbsp;</o:p></p><p class="MsoNormal">es sind &gt; 30 Tage &amp; mehr.<o:p></o:p></p>
<p class="MsoListParagraph"><![if !supportLists]><span>·<span>&nbsp;&nbsp; </span></span><![endif]>Punkt</p>
<table class="MsoTableGrid"><tr><td><p class="MsoNormal">Lampe</p></td><td>12,50&nbsp;€</td></tr></table>
<p class="MsoNormal"><b>Von:</b> Support &lt;s@m.example&gt;<br><b>Gesendet:</b> Donnerstag<o:p></o:p></p>
</div></body></html>"""

OUTLOOK_TEXT = """\
Guten Tag,

es sind > 30 Tage & mehr.

·   Punkt

Lampe | 12,50 €
Von: Support <s@m.example>
Gesendet: Donnerstag"""

APPLE = """<html><head><meta http-equiv="content-type" content="text/html; charset=utf-8"></head><body dir="auto">\
Good morning,<div><br></div><div>it works.&nbsp;</div><div><br><blockquote type="cite"><div>On 12. Mar 2026, at \
10:15, Support wrote:</div><br class="Apple-interchange-newline"><div>Hello Ada<br><br>Try again.</div>\
</blockquote></div></body></html>"""

APPLE_TEXT = """\
Good morning,

it works.

> On 12. Mar 2026, at 10:15, Support wrote:
>
> Hello Ada
>
> Try again."""

THUNDERBIRD = """<!DOCTYPE html>
<html>
  <body>
    <p>See below.</p>
    <pre class="moz-signature">-- 
Ada
  +44 1</pre>
    <div class="moz-cite-prefix">On 12/03/2026 10:15, Support wrote:<br>
    </div>
    <blockquote type="cite"><p>Hello</p><blockquote type="cite"><pre>older
text</pre></blockquote></blockquote>
  </body>
</html>"""  # noqa: W291 - the mark of a signature ends in a space

THUNDERBIRD_TEXT = """\
See below.

--
Ada
  +44 1

> On 12/03/2026 10:15, Support wrote:

> Hello
>
> > older
> > text"""

NEWSLETTER = """<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head>\
<title>Sale &amp; more</title><style/><script>if (a<b && c>d) document.write("<p>no</p>");</script></head><body>\
<!--[if mso | IE]><p>mso</p>\
<![endif]--><table><tbody><tr><td><img src="cid:1" alt="a > b"/></td></tr><tr><td><h1>Big   Sale</h1>
<p>Up to 50&#37; off&hellip; <a href="https://x.example/?a=1&copy=3">Shop&nbsp;now</a></p></td></tr>
<tr><td>One</td><td>Two</td><th>Three</th></tr></tbody></table><!--[if !mso]><!--><p>not mso</p><!--<![endif]-->\
<object>no</object><svg><text>no</text></svg></body></html>"""

NEWSLETTER_TEXT = """\
[a > b]
Big Sale

Up to 50% off… Shop now (https://x.example/?a=1&copy=3)

One | Two | Three

not mso"""


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (GMAIL, GMAIL_TEXT),
        (OUTLOOK, OUTLOOK_TEXT),
        (APPLE, APPLE_TEXT),
        (THUNDERBIRD, THUNDERBIRD_TEXT),
        (NEWSLETTER, NEWSLETTER_TEXT),
    ],
    ids=["Gmail", "Outlook", "Apple Mail", "Thunderbird", "newsletter"],
)
def test_mail_reads_as_it_looks(html: str, text: str) -> None:
    assert to_text(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one<p>two<div>three<span>four<blockquote>five", "one\n\ntwo\nthreefour\n\n> five"),
        ("<b>a<p>b</b>c</p></div></div><blockquote><div>q</blockquote>after", "a\n\nbc\n\n> q\n\nafter"),
        ("<div class='x yahoo_quoted'>a</div><p id=yahoo_quoted_12>b</p>c", "> a\n\n> b\n\nc"),
        ("<div title=yahoo_quoted>a</div><div class=yahoo_quoter>b</div>", "a\nb"),
        ("<blockquote>" * 25 + "a", "> " * 20 + "a"),
        ("<p>&gt;</p><p>a</p>", ">\n\na"),
        ("a<hr>b<br/>c", f"a\n{'_' * 32}\nb\nc"),
        ("a<td>b</td><td>c</td>", "a\nb\nc"),
        ("<head><title>x</title></head>a<noscript>y</noscript>b", "ab"),
    ],
)  # fmt: skip
def test_elements_make_lines(html: str, text: str) -> None:
    assert to_text(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<ol><li>a<p>b</p><ul><li>c<li>d</ul><li></ol>e", "1. a\n\n  b\n\n  - c\n  - d\n\ne"),
        ("<ol start=3><li>a<li><p>b</p><li value=9>c</ol>d", "3. a\n4. b\n\n9. c\n\nd"),
        ("<ul><li>a<ol><li>b</li><li>c</li></ol></li><li>d</li></ul>", "- a\n  1. b\n  2. c\n- d"),
        ("<ol start=-1><li value=x>a</li></ol>", "1. a"),
        ("<li>a</li>b", "- a\nb"),
    ],
)
def test_lists_are_numbered_and_indented(html: str, text: str) -> None:
    assert to_text(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td></td><td>2</td></tr></table>c", "a | b\n1 | 2\nc"),
        ("<table><tr><td>a<td>b<tr><td>c", "a | b\nc"),
        ("<table><tr><td><p>a</p></td><td>\n b </td></tr></table>", "a | b"),
        ("<table><tr><td>a<br>b</td><td>c</td></tr></table>", "a\nb\nc"),
        ("<table><tr><td>a</td><td><table><tr><td>b</td><td>c</td></tr></table></td></tr></table>", "a | b | c"),
        ("<table><tr><td>a</td><td><blockquote>b</blockquote></td></tr></table>", "a\n> b"),
        ("<table>" * 50 + "<tr><td>a</td><td>b</td></tr>", "a | b"),
        ("<table><tr><td>a</table>b</td>c", "a\nbc"),
    ],
)
def test_a_tables_row_is_a_line(html: str, text: str) -> None:
    assert to_text(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<a href='https://x.example/a?b=1&amp;c=2'>here</a>, please", "here (https://x.example/a?b=1&c=2), please"),  # noqa: E501
        ("<a href='https://www.x.example/'>x.example</a>", "x.example"),
        ("<a href='mailto:Ada@x.example?subject=y'>ada@x.example</a>", "ada@x.example"),
        ("<a href='mailto:ada@x.example'>Ada</a>", "Ada (ada@x.example)"),
        ("<a href='tel:+49%2030'>call us</a>", "call us (+49 30)"),
        ("<a href='javascript:alert(1)'>a</a><a href='#top'>b</a><a>c</a><a href=''>d</a>", "abcd"),
        (f"<a href='https://x.example/{'a' * 600}'>a</a>", "a"),
        ("<a href='https://x.example/'></a>a", "a"),
        ("<a href='https://x.example/'><div>a</div></a>b", "a (https://x.example/)\nb"),
        ("<a href='https://x.example/'><img alt='Our shop'></a>", "[Our shop] (https://x.example/)"),
        ("<a href='https://x.example/'>a <a href='https://y.example/'>b</a>", "a (https://x.example/)b (https://y.example/)"),
        ("a <img alt='a chart'> b <img alt='\N{GRINNING FACE}'> c <img alt=''> d <img>", "a [a chart] b \N{GRINNING FACE} c d"),  # noqa: E501
    ],
)  # fmt: skip
def test_links_say_where_they_lead_and_pictures_what_they_show(html: str, text: str) -> None:
    assert to_text(html) == text


@pytest.mark.parametrize(
    "hidden",
    [
        "<div style='display:none;max-height:0'>x <b>y</b><img alt=z></div>",
        "<span style='DISPLAY : none !important'>x</span>",
        "<p hidden>x</p>",
        "<div style='mso-hide:all'><div>x</div><a href='https://x.example'>y</a></div>",
        "<img style='display:none' alt=x>",
        "<div>&zwnj;&nbsp;&#847;&zwnj;&nbsp;&#847;</div>",
        "<select><option>x</option></select>",
    ],
)
def test_what_is_hidden_is_not_read(hidden: str) -> None:
    assert to_text(f"{hidden}a") == "a"
    assert to_text(f"<div>a</div>{hidden}<div>b</div>").replace("\n\n", "\n") == "a\nb"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<pre>\na\n  b &lt;\n</pre>c", "a\n  b <\n\nc"),
        ("<div style='white-space: pre-wrap'>a\n  b</div>c", "a\n  b\nc"),
        ("<div style='white-space: pre-line'>a\n  b</div>", "a b"),
        ("<p style='margin:0cm'>a</p><p style='margin: 0'>b</p><p>c</p>", "a\nb\n\nc"),
        ("<p style='margin:0cm 0cm 8pt'>a</p><p style='margin:10px'>b</p>", "a\n\nb"),
        ("<p class=MsoNormal>a</p><p class=MsoNormal>&nbsp;</p><p class=MsoNormal>b</p>", "a\n\nb"),
        ("<p>a</p><p>&nbsp;</p><p>b</p>", "a\n\nb"),
        ("<div>a</div><div><br></div><div>b<br></div>", "a\n\nb"),
        ("a" + "<br>" * 20 + "b", "a\n\n\nb"),
        (" a <b> b </b> c\n<i>d</i>", "a b c d"),
        ("<h1>a</h1>b<h2>c</h2>", "a\n\nb\n\nc"),
        ("<blockquote style='margin:0 0 0 40px;border:none;padding:0'>a</blockquote>", "a"),
    ],
)
def test_spaces_and_lines_are_those_of_a_browser(html: str, text: str) -> None:
    assert to_text(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<div>a</div><div id=Signature>Ada</div><div id=appendonsend></div>q", "a\n--\nAda\n> q"),
        ("<div>a</div><div id=x_Signature>Ada</div>", "a\n--\nAda"),
        ("<div>a</div><span>-- </span><br><div class=gmail_signature>Ada</div>", "a\n--\nAda"),
        ("<div>a</div><pre class=moz-signature>-- \nAda</pre>", "a\n\n--\nAda"),
        ("<div class=gmail_signature>Ada</div><div>written below it</div>", "Ada\nwritten below it"),
        ("<div class=protonmail_signature_block><div class=protonmail_signature_block-user></div></div>a", "a"),
    ],
)
def test_a_signature_has_its_mark(html: str, text: str) -> None:
    assert to_text(html) == text


_OPENING = ("<div>", "<p>", "<blockquote>", "<li>", "<td>x", "<b></i>", "<title>", "<br>", "<pre>\n", "<ol><li>")
_CONTAINING = ("<table><tr><td>", "<a href='https://x.example'>", "<img alt=x>", "<div id=Signature>a")


@pytest.mark.parametrize("piece", [*_OPENING, *_CONTAINING])
def test_any_number_of_elements_is_read(piece: str) -> None:
    """What takes quadratic time over it takes hours, and does not get beyond a test's time limit."""
    assert to_text(f"hello<br>{piece * 40_000}").split("\n")[0] == "hello"


def test_paragraphs_below_a_line_of_any_length_are_read() -> None:
    assert to_text(">" * 1_000_000 + "<p>" * 100_000 + "hello").endswith("\nhello")


_TAGS = [f"<{slash}{name}>" for name in ("p", "b", "li", "ul", "td", "pre", "blockquote") for slash in ("", "/")]
_PIECES = st.sampled_from(
    [*_TAGS, "<br>", "<hr>", "<p class='gmail_quote'>", "<!-- -->", "<title>x</title>", "a ", "&nbsp;", " ", "\n"]
)


@given(st.lists(_PIECES, max_size=40).map("".join))
def test_whatever_stands_around_it_a_paragraph_is_a_line(html: str) -> None:
    lines = to_text(f"{html}<p>a paragraph</p>{html}").split("\n")
    assert "a paragraph" in [line.lstrip("> -") for line in lines]
