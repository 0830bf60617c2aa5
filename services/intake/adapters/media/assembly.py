"""How fetching media is put together, for the composition root."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.intake.adapters.bells import Bells
from services.intake.adapters.happenings import Happenings
from services.intake.adapters.media.fetcher import Fetcher
from services.intake.adapters.media.fetching import Fetching
from services.intake.adapters.media.sources import Sources, VendorUrls
from services.intake.adapters.outside import Outside
from services.intake.app.mail_ports import Blobs
from services.intake.app.ports import Workspaces
from services.intake.settings import IntakeSettings
from shared.service import Runtime


@asynccontextmanager
async def open_media(
    runtime: Runtime,
    settings: IntakeSettings,
    *,
    workspaces: Workspaces,
    blobs: Blobs,
    outside: Outside,
    happenings: Happenings,
) -> AsyncIterator[Fetching]:
    """Opens what fetching needs, and closes it."""
    fetcher = Fetcher(outside)
    urls = VendorUrls(twilio=settings.twilio_url, meta=settings.meta_url, slack=settings.slack_url)
    try:
        yield Fetching(
            runtime.database,
            workspaces,
            Sources(fetcher, urls, max_bytes=settings.media_max_bytes),
            blobs,
            happenings,
            bells=Bells("media_fetch", settings.shards),
            metrics=runtime.metrics,
        )
    finally:
        await fetcher.close()
