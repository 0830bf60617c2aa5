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


> On Thu, Mar 12, 2026 at 10:15 AM Support <s@m.example> wrote:
>
> > Hello Ada
> >"""

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

Lampe

12,50 €

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
> Try again.
>"""

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
> > text
> >"""

NEWSLETTER = """<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head>\
<title>Sale &amp; more</title><style/><script>if (a<b && c>d) document.write("<p>no</p>");</script></head><body>\
<!--[if mso | IE]><p>mso</p>\
<![endif]--><table><tbody><tr><td><img src="cid:1" alt="a > b"/></td></tr><tr><td><h1>Big   Sale</h1>
<p>Up to 50&#37; off&hellip; <a href="https://x.example/?a=1&copy=3">Shop&nbsp;now</a></p></td></tr>
<tr><td>One</td><td>Two</td><th>Three</th></tr></tbody></table><!--[if !mso]><!--><p>not mso</p><!--<![endif]-->\
<object>no</object><svg><text>no</text></svg></body></html>"""

NEWSLETTER_TEXT = """\
Big Sale

Up to 50% off… Shop now

One Two Three

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
        ("<b>a<p>b</b>c</p></div></div><blockquote><div>q</blockquote>after", "a\n\nbc\n\n> q\n>\nafter"),
        ("<ol><li>a<p>b</p><ul><li>c<li>d</ul><li></ol>e", "- a\n\nb\n\n- c\n- d\n\n- e"),
        ("<div id=gmail_quote>a</div><p class='x yahoo_quoted'>b</p>c", "> a\n\n> b\n>\nc"),
        ("<div title=gmail_quote>a</div><div class=gmail_quoted>b</div>", "a\nb"),
        ("<blockquote>" * 25 + "a", "> " * 20 + "a"),
        ("<pre>a\n  b &lt;\n</pre>c", "a\n  b <\n\nc"),
        ("<p>&gt;</p><p>a</p>", ">\na"),
        ("a<hr>b<br/>c<td>d</td><td>e</td>", f"a\n{'_' * 32}\nb\nc d e"),
        ("<head><title>x</title></head>a<noscript>y</noscript>b", "ab"),
    ],
)  # fmt: skip
def test_elements_make_lines(html: str, text: str) -> None:
    assert to_text(html) == text


@pytest.mark.parametrize(
    "piece", ["<div>", "<p>", "<blockquote>", "<li>", "<td>x", "<b></i>", "<title>", "<br>", "<pre>\n"]
)
def test_any_number_of_elements_is_read(piece: str) -> None:
    """What takes quadratic time over it takes hours, and does not get beyond a test's time limit."""
    assert to_text(f"hello<br>{piece * 200_000}").split("\n")[0] == "hello"


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
