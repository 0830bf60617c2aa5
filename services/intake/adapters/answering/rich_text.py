"""HTML of replies and templates: nothing in it runs, and nothing of it is fetched from elsewhere."""

import nh3

from services.intake.adapters.email import html_text

_TAGS = (
    "a b blockquote br code div em h1 h2 h3 h4 hr i img li ol p pre s small span strong sub sup table tbody td"
    " tfoot th thead tr u ul"
)
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
    "td": {"colspan", "rowspan", "align"},
    "th": {"colspan", "rowspan", "align"},
    "*": {"lang", "dir"},
}
_LINKS = ("https:", "mailto:", "tel:")


class Nh3RichText:
    """Implements the port `RichText`."""

    def __init__(self) -> None:
        self._cleaner = nh3.Cleaner(
            tags=set(_TAGS.split()),
            attributes=_ATTRIBUTES,
            attribute_filter=_kept,
            url_schemes={"https", "mailto", "tel", "cid"},
            url_relative="deny",
            link_rel="noopener noreferrer",
        )

    def clean(self, html: str) -> str:
        """Without scripts, forms, styles and whatever is fetched from elsewhere."""
        return self._cleaner.clean(html)

    def to_text(self, html: str) -> str:
        """What a reader of it sees."""
        return html_text.to_text(html)


def _kept(tag: str, name: str, value: str) -> str | None:
    """Links lead to the web, to mail or to a phone; images are those that come along."""
    if (tag, name) == ("img", "src"):
        return value if value.strip().lower().startswith("cid:") else None
    if name == "href":
        return value if value.strip().lower().startswith(_LINKS) else None
    return value
