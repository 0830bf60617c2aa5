"""`/chat/widget.js`, which sites embed, and in development a page to try it on.

`npm run build` in services/intake/widget makes the file.
"""

import hashlib
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from shared.errors import NotFound
from shared.http.app import api_router
from shared.http.types import SLUG_PATTERN

SOURCE = Path(__file__).parents[1] / "widget"
BUILT = SOURCE / "dist" / "widget.js"

_KEY = r"^[A-Za-z0-9_-]{8,64}$"
_HTML = "text/html; charset=utf-8"
# What a strict site allows is enough for the widget: no inline scripts or styles.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)
_LANGUAGE = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})?$"


def routes(*, has_demo: bool) -> APIRouter:
    """What browsers load."""
    router = api_router("chat")

    @router.get("/chat/widget.js", include_in_schema=False)
    async def widget(if_none_match: Annotated[str | None, Header()] = None) -> Response:
        content, tag = _built()
        headers = {
            "etag": tag,
            # Sites keep the address: browsers ask again soon, and are told that nothing has changed.
            "cache-control": "public, max-age=300, stale-while-revalidate=86400",
            "cross-origin-resource-policy": "cross-origin",
        }
        if if_none_match is not None and tag in if_none_match:
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type="text/javascript; charset=utf-8")

    if has_demo:

        @router.get("/chat/demo", include_in_schema=False)
        async def demo(
            address: Annotated[str, Query(pattern=SLUG_PATTERN)] = "meridian-chat",
            key: Annotated[str, Query(pattern=_KEY)] = "meridian-demo",
            language: Annotated[str, Query(pattern=_LANGUAGE)] = "en",
        ) -> Response:
            page = (SOURCE / "demo.html").read_text(encoding="utf-8")
            for name, value in (("ADDRESS", address), ("KEY", key), ("LANGUAGE", language)):
                page = page.replace(f"{{{{{name}}}}}", escape(value, quote=True))
            return Response(page, headers={"content-security-policy": _POLICY}, media_type=_HTML)

        @router.get("/chat/demo.css", include_in_schema=False)
        async def demo_style() -> Response:
            return Response((SOURCE / "demo.css").read_bytes(), media_type="text/css; charset=utf-8")

    return router


@lru_cache(maxsize=1)
def _built() -> tuple[bytes, str]:
    """The file, as it was when it was first asked for. Raises NotFound where it was never made."""
    try:
        content = BUILT.read_bytes()
    except FileNotFoundError:
        raise NotFound("The widget was not built.") from None
    return content, f'"{hashlib.sha256(content).hexdigest()[:20]}"'
