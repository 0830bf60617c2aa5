"""`/v1/rebuilds`: rollups made anew from facts, which is also the proof that they agree."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter

from services.metrics.api.schemas import RebuildAnswer, RebuildRequest
from services.metrics.app.live import Live
from services.metrics.app.ports import Ledger
from services.metrics.app.rebuild import Books, rebuild
from services.metrics.domain.fact import BUCKET, bucket_of
from services.metrics.domain.intervals import Span
from shared.db.unit_of_work import Database
from shared.errors import InvalidInput
from shared.http.app import api_router
from shared.http.auth import Principal
from shared.http.forwarding import allowed_here

_LONGEST = timedelta(days=31)
_INSTANT = timedelta(microseconds=1)


def routes(live: Live, database: Database, books: Books, ledger: Ledger) -> APIRouter:
    """Rebuilding."""
    router = api_router("rebuilds")

    @router.post("/v1/rebuilds")
    async def rebuild_rollups(
        request: RebuildRequest, principal: Annotated[Principal, allowed_here("admin")]
    ) -> RebuildAnswer:
        """Counts the facts of a span anew, and repairs what differs. Harmless to do again."""
        if not timedelta() < request.until - request.since <= _LONGEST:
            raise InvalidInput("The span is not one.", problems=(("/to", "up to 31 days after /from"),))
        held, boards = await live.of(principal.workspace_id)
        span = Span(bucket_of(request.since), bucket_of(request.until - _INSTANT) + BUCKET)
        comparison = await rebuild(
            principal.workspace_id,
            span,
            is_dry_run=request.dry_run,
            shard=held.shard,
            boards=boards,
            database=database,
            books=books,
            ledger=ledger,
        )
        return RebuildAnswer.of(comparison)

    return router
