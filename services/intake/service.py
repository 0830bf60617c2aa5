"""Intake's composition root: everything that an intake process is made of, in one place."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from services.intake.adapters import watching
from services.intake.adapters.answering.assembly import assemble_answering
from services.intake.adapters.answering.quotas import forget_quotas
from services.intake.adapters.answering.uploads import forget_uploads
from services.intake.adapters.bells import Bells
from services.intake.adapters.blobs.assembly import open_blobs
from services.intake.adapters.calls.settling import Settling
from services.intake.adapters.calls.shown import PostgresShownCalls
from services.intake.adapters.calls.store import PostgresCalls
from services.intake.adapters.chat.replies import ChatReplies
from services.intake.adapters.clients import PostgresClients
from services.intake.adapters.closing import Closing
from services.intake.adapters.email.assembly import open_mail
from services.intake.adapters.email.imap.assembly import make_mailboxes
from services.intake.adapters.email.references import PostgresReferences
from services.intake.adapters.erasure import PostgresErasure
from services.intake.adapters.happenings import Happenings
from services.intake.adapters.hooks.door import HookDoor
from services.intake.adapters.hooks.own import SetAside
from services.intake.adapters.hooks.reconciling import Reconciling
from services.intake.adapters.hooks.twilio_texts import TwilioTexts
from services.intake.adapters.looking import Looking
from services.intake.adapters.media import rows as media_rows
from services.intake.adapters.media.assembly import open_media
from services.intake.adapters.outbound.assembly import open_outbound
from services.intake.adapters.outbound.deliveries import PostgresDeliveries, forget_unknown
from services.intake.adapters.outside import Outside
from services.intake.adapters.samples import PostgresSamples
from services.intake.adapters.store import PostgresConversations
from services.intake.adapters.ticket_lists import PostgresTicketLists
from services.intake.adapters.timelines import PostgresTimelines
from services.intake.adapters.watching import TicketWatch
from services.intake.adapters.workspaces import PostgresWorkspaces
from services.intake.api import (
    answers,
    attachments,
    batches,
    calls,
    customers,
    deliveries,
    email,
    hooks,
    identification,
    messages,
    operations,
    quarantine,
    rules,
    surveys,
    templates,
    tickets,
    timelines,
)
from services.intake.api import mailboxes as mailbox_routes
from services.intake.api.chat_assembly import make_chat
from services.intake.api.receiving import Receiving
from services.intake.app.call_ports import CallDesk
from services.intake.app.change_customer import ClientDesk
from services.intake.app.configuration import IntakePart
from services.intake.app.desk import Desk
from services.intake.consumers import consume
from services.intake.settings import IntakeSettings
from shared.db.shards import Shard
from shared.http import configuration, parked
from shared.http.app import create_app
from shared.ids import SystemIds
from shared.service import Leaves, Service, open_runtime
from shared.vault import AesVault

DESCRIPTION = "Takes what customers send by any channel, and turns it into tickets."


@asynccontextmanager
async def build(settings: IntakeSettings, leaves: Leaves) -> AsyncIterator[Service]:
    """One intake process, ready to run."""
    async with AsyncExitStack() as stack:
        runtime = await stack.enter_async_context(open_runtime("intake", settings, leaves))
        database = runtime.database
        ids = SystemIds()
        vault = AesVault(settings.credentials_key.get_secret_value().encode())
        workspaces = PostgresWorkspaces(database, vault)
        watch = TicketWatch(runtime.relaying, settings.shards)
        outbound = Bells("delivery", settings.shards)
        notices = Bells("notice", settings.shards)
        conversations = PostgresConversations(
            settings.shards, watch, outbound, ChatReplies(settings.shards, outbound), notices
        )
        clients = PostgresClients(settings.shards, watch)
        lists, shown = PostgresTicketLists(), PostgresTimelines()
        desk = Desk(correspondence=conversations, workspaces=workspaces, ids=ids)
        call_desk = CallDesk(
            calls=PostgresCalls(settings.shards), conversations=conversations, workspaces=workspaces, ids=ids
        )
        answering = assemble_answering(runtime, settings, desk, notices)
        client_desk = ClientDesk(clients=clients, workspaces=workspaces, ids=ids)
        happenings = Happenings(watch, ids)
        queued = PostgresDeliveries(PostgresReferences(), happenings, outbound)
        store = await stack.enter_async_context(open_blobs(runtime, settings, ids, connects=leaves.connects))
        outside = Outside(settings.egress_allow)
        media = await stack.enter_async_context(
            open_media(
                runtime,
                settings,
                workspaces=workspaces,
                blobs=store.blobs,
                outside=outside,
                happenings=happenings,
            )
        )
        mail = await stack.enter_async_context(
            open_mail(
                runtime,
                settings,
                conversations=conversations,
                workspaces=workspaces,
                calls=call_desk,
                deliveries=queued,
                ids=ids,
                blobs=store.blobs,
            )
        )
        leaving = await stack.enter_async_context(
            open_outbound(
                runtime,
                settings,
                workspaces=workspaces,
                blobs=store.blobs,
                deliveries=queued,
                bells=outbound,
            )
        )
        reconciling = Reconciling(
            database,
            workspaces,
            conversations,
            mail.mailroom,
            TwilioTexts(leaving.http, url=settings.twilio_url),
            metrics=runtime.metrics,
        )
        aside = SetAside(mail.raws, store.blobs, workspaces)
        receiving = Receiving(
            database,
            conversations,
            workspaces,
            runtime.seen,
            ids,
            aside,
            group_max=settings.group_max_messages,
        )
        mailboxes = make_mailboxes(
            runtime, settings, workspaces=workspaces, mailroom=mail.mailroom, outside=outside, vault=vault
        )
        looking = Looking(
            database,
            [
                (mail.inbound_bells, mail.raws.waiting),
                (outbound, leaving.queue.due),
                (media.bells, media_rows.due),
                (mailboxes.bells, mailboxes.look),
            ],
        )
        door = HookDoor(
            database,
            workspaces,
            mail.mailroom,
            base_url=settings.public_url or runtime.own_url,
            window_s=settings.webhook_window_s,
            max_mail=settings.mail_max_bytes,
            metrics=runtime.metrics,
        )
        consumer = runtime.consumer(consume(desk))
        closing = Closing(database, desk)
        chat = make_chat(
            runtime,
            settings,
            desk=desk,
            clients=client_desk,
            aside=aside,
            conversations=conversations,
            tickets=lists,
            mail=answering.visitor_mail,
            watch=watch,
        )
        settling = Settling(database, call_desk)
        housekeeping = runtime.housekeeping(forget_unknown, forget_quotas, forget_uploads, mail.forgetting.forget)

        loops = (
            *(consumer.run, housekeeping.run, closing.run, settling.run, chat.closing.run),
            *(answering.notifying.run, mail.serve, leaving.sending.run),
            *(media.run, mailboxes.run, store.sweeping.run, reconciling.run),
        )

        async def serve(shard: Shard) -> None:
            async with asyncio.TaskGroup() as group:
                for run in loops:
                    group.create_task(run(shard))

        async def watching_tickets(_: asyncio.Event) -> None:
            await watch.run(database, runtime.stopping)

        app = create_app(
            title="Waypost intake",
            description=DESCRIPTION,
            routers=[
                messages.routes(receiving),
                batches.routes(receiving, database),
                tickets.routes(database, lists, desk),
                answers.routes(
                    database, shown, desk, answering, attachment_max_bytes=settings.attachment_max_bytes
                ),
                attachments.routes(database, store.blobs, answering, ids, max_bytes=settings.attachment_max_bytes),
                templates.routes(database, lists, desk, answering),
                surveys.routes(database, desk, answering),
                deliveries.routes(database, queued),
                timelines.routes(runtime, lists, shown, watch),
                calls.routes(database, lists, PostgresShownCalls(), call_desk, runtime.seen),
                customers.routes(database, clients, client_desk),
                identification.routes(database, clients, client_desk, PostgresErasure(store.blobs)),
                operations.routes(database, clients, runtime.revoked, ids),
                email.routes(database, mail.mailroom, mail.blobs, max_bytes=settings.mail_max_bytes),
                hooks.routes(door, runtime.stopping.is_set),
                quarantine.routes(database, mail.raws, mail.blobs, mail.release),
                mailbox_routes.routes(database),
                rules.routes(database, workspaces, PostgresSamples()),
                configuration.routes(workspaces, IntakePart, sealed=workspaces.sealed),
                parked.routes(database),
                *chat.routers,
            ],
            metrics=runtime.metrics,
            checks=runtime.checks(),
            verifier=runtime.verifier,
            cors_origins=settings.cors_origins,
            has_docs=settings.environment == "development",
        )
        app.state.mail = mail
        app.state.hooks = door
        app.state.outbound = leaving
        app.state.blobs = store
        app.state.media = media
        app.state.answering = answering
        app.state.reconciling = reconciling
        yield Service(
            runtime=runtime,
            app=app,
            serve=serve,
            parts=[watching_tickets, looking.run, *store.parts, *mail.parts, leaving.counting.run, *chat.parts],
            listens={
                watching.CHANNEL: watch.hear,
                watching.LIVE_CHANNEL: watch.hear_passing,
                outbound.channel: outbound.hear,
                **mail.listens,
                **answering.listens,
            },
        )
