"""Pages for people outside who follow a link: plain HTML that needs no script and nothing from elsewhere."""

import base64
import hashlib
from html import escape

from fastapi import Response

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


def page(*, language: str, title: str, content: str, status: int = 200) -> Response:
    """A whole page. content: HTML, with whatever is not ours escaped; title: text"""
    html = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="robots" content="noindex, nofollow"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{content}</main></body></html>"
    )
    return Response(html, status, dict(_HEADERS), "text/html; charset=utf-8")
