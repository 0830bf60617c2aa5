"""Escalation's composition root: everything that an escalation process is made of, in one place."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from services.escalation.adapters.auditor import Auditor
from services.escalation.adapters.carrying import Carrying
from services.escalation.adapters.following import Following
from services.escalation.adapters.guard import Guard
from services.escalation.adapters.rosters import PostgresRosters
from services.escalation.adapters.service_levels import PostgresServiceLevels
from services.escalation.adapters.store import PostgresTracking
from services.escalation.adapters.telling.book import NotificationBook, forgetting
from services.escalation.adapters.telling.chat import Chats
from services.escalation.adapters.telling.links import TakeOnLinks
from services.escalation.adapters.telling.mail import Mails
from services.escalation.adapters.telling.notifier import Notifier
from services.escalation.adapters.telling.webhooks import Webhooks
from services.escalation.adapters.timers import Timers
from services.escalation.adapters.waking import CHANNEL
from services.escalation.adapters.watches import PostgresWatches
from services.escalation.adapters.watching import Watching
from services.escalation.api import (
    calendars,
    chain_preview,
    clocks,
    duty_feeds,
    escalations,
    notifications,
    on_call,
    overrides,
    policies,
    take_on,
    webhooks,
)
from services.escalation.app.configuration import EscalationPart
from services.escalation.consumers import consume, is_passed_over
from services.escalation.domain.recipient import Way
from services.escalation.settings import EscalationSettings
from shared.db.bells import ShardBells
from shared.db.shards import Shard
from shared.egress import Egress
from shared.http import configuration, parked
from shared.http.app import create_app
from shared.http.preview_turns import PreviewTurns
from shared.ids import SystemIds
from shared.link_tokens import LinkTokens
from shared.mail import MailSender
from shared.service import Leaves, Service, open_runtime
from shared.vault import AesVault

DESCRIPTION = "Makes sure that somebody answers in time, and tells people when nobody does."


@asynccontextmanager
async def build(settings: EscalationSettings, leaves: Leaves) -> AsyncIterator[Service]:
    """One escalation process, ready to run."""
    async with open_runtime("escalation", settings, leaves) as runtime:
        database, clock, ids = runtime.database, runtime.clock, SystemIds()
        due, told, versions = ShardBells(), ShardBells(), ShardBells()
        looks, feeds = ShardBells(), ShardBells()
        egress = Egress(is_development=settings.environment == "development")
        vault = AesVault(settings.credentials_key.get_secret_value().encode())
        levels = PostgresServiceLevels(database, clock, vault, egress.problem)
        book = NotificationBook(settings.shards, told)
        tracking = PostgresTracking(settings.shards, due, book)
        watches = PostgresWatches(settings.shards, looks, book)
        watching = Watching(
            database, watches, tracking, levels, Guard(runtime.inboxes), looks, clock=clock, ids=ids
        )
        rosters, tokens = PostgresRosters(), LinkTokens(settings.secret.get_secret_value().encode(), "on-call")
        timers = Timers(
            database,
            tracking,
            levels,
            Guard(runtime.inboxes),
            due,
            clock=clock,
            ids=ids,
            metrics=runtime.metrics,
        )
        take_on_tokens = LinkTokens(settings.secret.get_secret_value().encode(), "take-on")
        public_url = settings.public_url or (runtime.own_url if settings.environment == "development" else None)
        links = TakeOnLinks(take_on_tokens, public_url)
        smtp = settings.outbound_smtp_url
        notifier = Notifier(
            database,
            levels,
            {
                Way.MAIL: Mails(MailSender(smtp.get_secret_value()) if smtp else None, settings.mail_from, links),
                Way.CHAT: Chats(egress, vault, clock, links),
                Way.WEBHOOK: Webhooks(egress, vault, clock),
            },
            told,
            clock=clock,
            ids=ids,
            metrics=runtime.metrics,
        )
        auditor = Auditor(
            database,
            tracking,
            levels,
            every=timedelta(seconds=settings.audit_every_s),
            ids=ids,
            metrics=runtime.metrics,
        )
        carrying = Carrying(database, tracking, watches, levels, versions, ids=ids)
        following = Following(
            database,
            egress,
            feeds,
            clock=clock,
            every=timedelta(seconds=settings.feed_every_s),
            metrics=runtime.metrics,
        )
        consumer = runtime.consumer(consume(tracking, watches, levels, runtime.revoked, ids), is_passed_over)
        housekeeping = runtime.housekeeping(of_shard=partial(forgetting, settings.notifications_days))
        previews = PreviewTurns()

        async def serve(shard: Shard) -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(consumer.run(shard))
                group.create_task(timers.run(shard))
                group.create_task(watching.run(shard))
                group.create_task(notifier.run(shard))
                group.create_task(auditor.run(shard))
                group.create_task(carrying.run(shard))
                group.create_task(following.run(shard))
                group.create_task(housekeeping.run(shard))

        def hear(shard: str) -> None:
            for bells in (due, told, versions, looks, feeds):
                bells.ring(int(shard))

        app = create_app(
            title="Waypost escalation",
            description=DESCRIPTION,
            routers=[
                calendars.routes(database, levels),
                clocks.routes(database, tracking, levels, ids),
                escalations.routes(database, tracking, watches, levels, ids),
                chain_preview.routes(database, tracking, levels),
                policies.routes(database, tracking, levels, previews),
                on_call.routes(database, rosters, levels),
                overrides.routes(database, rosters, tracking, watches, levels, ids),
                duty_feeds.routes(database, rosters, levels, tokens, ids, public_url=public_url),
                notifications.routes(database, book, ids),
                webhooks.routes(database, levels),
                take_on.routes(database, tracking, watches, levels, take_on_tokens, ids),
                configuration.routes(levels, EscalationPart, sealed=levels.sealed),
                parked.routes(database),
            ],
            metrics=runtime.metrics,
            checks=runtime.checks(),
            verifier=runtime.verifier,
            cors_origins=settings.cors_origins,
            has_docs=settings.environment == "development",
        )
        try:
            yield Service(runtime=runtime, app=app, serve=serve, listens={CHANNEL: hear})
        finally:
            previews.close()
            await egress.close()
