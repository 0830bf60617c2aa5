"""What the attributes of an HTML element say: that it is hidden, quoted, a signature, a paragraph without margins.

Mail programs name the containers of what they quote and of what they sign with; a program that passes mail on puts
`x_` before the names of the one before it.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from services.intake.adapters.email import html_tokens

_QUOTED = re.compile(
    r"(?:\b|_|ydp[0-9a-f]*)(?:yahoo_quoted(?:_[0-9]+)?|moz-cite-prefix|OLK_SRC_BODY_SECTION|mail-editor-reference-message-container"
    r"|ms-outlook-mobile-reference-message)\b"
)
_QUOTED_NAMES = frozenset({"quote"})
_REST = re.compile(r"(?:\b|_)(?:divRplyFwdMsg|appendonsend)\b")
_SIGNATURE = re.compile(
    r"(?:\b|_)(?:gmail_signature|moz-signature|protonmail_signature_block|Signature|AppleMailSignature"
    r"|ms-outlook-mobile-signature|messageSignatureSection)\b(?!-)"
)
_NAMED = re.compile(r"quote|divRplyFwdMsg|appendonsend|[sS]ignature|moz-|OLK_SRC|reference-message")
_STYLED = re.compile(r"display|visibility|mso-hide|white-space|margin|border|hidden|MsoNormal", re.IGNORECASE)
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.IGNORECASE)
_PREFORMATTED = re.compile(r"white-space\s*:\s*(?:pre|pre-wrap|break-spaces)\b(?!-line)", re.IGNORECASE)
_WITHOUT_MARGIN = re.compile(r"(?:^|;)\s*margin\s*:\s*0[a-z%]*\s*(?:;|0|\Z)", re.IGNORECASE)
_WITHOUT_BORDER = re.compile(r"border\s*:\s*(?:none|0|medium)", re.IGNORECASE)
_RULED = re.compile(r"border-top\s*:\s*solid\s+#(?:E1E1E1|B5C4DF|CCCCCC)", re.IGNORECASE)
_MAX_KNOWN = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What an element's attributes say of it.

    is_quote: a mail program has put into it what it quotes; begins_quote: all from here on is quoted
    is_signature: it holds what a mail is signed with
    is_preformatted: its spaces and line breaks are meant; has_margin: as a paragraph it stands apart
    is_indented: a `blockquote` for its indentation only; is_ruled: Outlook draws its line above a quote
    """

    is_hidden: bool = False
    is_quote: bool = False
    begins_quote: bool = False
    is_signature: bool = False
    is_preformatted: bool = False
    has_margin: bool = True
    is_indented: bool = False
    is_ruled: bool = False


PLAIN = Style()


def style_of(attributes: str) -> Style:
    """What these attributes say; most elements of a mail have the same few."""
    return _known(attributes) if len(attributes) <= _MAX_KNOWN else _read(attributes)


def _read(attributes: str) -> Style:
    is_named, is_styled = _NAMED.search(attributes), _STYLED.search(attributes)
    if not is_named and not is_styled:
        return PLAIN
    names = html_tokens.values_of(attributes, "class", "id", "name") if is_named else []
    style = ";".join(html_tokens.values_of(attributes, "style")) if is_styled else ""
    is_normal = "MsoNormal" in attributes and "margin" not in style
    return Style(
        is_hidden=_HIDING.search(style) is not None or bool(html_tokens.values_of(attributes, "hidden")),
        is_quote=any(name in _QUOTED_NAMES or _QUOTED.search(name) for name in names),
        begins_quote=any(map(_REST.search, names)),
        is_signature=any(map(_SIGNATURE.search, names)),
        is_preformatted=_PREFORMATTED.search(style) is not None,
        has_margin=not is_normal and _WITHOUT_MARGIN.search(style) is None,
        is_indented=_WITHOUT_BORDER.search(style) is not None,
        is_ruled=_RULED.search(style) is not None,
    )


_known = lru_cache(maxsize=256)(_read)
