"""How mail's adapters are put together, for the composition root."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from services.intake.adapters.bells import Bells
from services.intake.adapters.chat.chats import PostgresChats
from services.intake.adapters.email.backlog import Backlog
from services.intake.adapters.email.forgetting import Forgetting
from services.intake.adapters.email.fresh import Fresh
from services.intake.adapters.email.listeners import Listeners
from services.intake.adapters.email.mailroom import Mailroom
from services.intake.adapters.email.messages import PostgresMailMessages
from services.intake.adapters.email.parsers import ParserLimits, Parsers
from services.intake.adapters.email.raws import PostgresRaws
from services.intake.adapters.email.reading import Reading
from services.intake.adapters.email.references import PostgresReferences
from services.intake.adapters.email.release import Release
from services.intake.adapters.email.settling import Settling
from services.intake.adapters.email.waiting import Waiters
from services.intake.adapters.hooks.storing import PostgresConsents
from services.intake.app.call_ports import CallDesk
from services.intake.app.delivery_ports import Deliveries
from services.intake.app.hook_ports import HookDesk
from services.intake.app.mail_ports import Blobs
from services.intake.app.ports import Conversations, Workspaces
from services.intake.app.receive_mail import MailDesk
from services.intake.settings import IntakeSettings
from shared.db.shards import Shard
from shared.ids import IdFactory
from shared.service import Part, Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSystem:
    """Everything about mail that one process runs."""

    raws: PostgresRaws
    blobs: Blobs
    parsers: Parsers
    mailroom: Mailroom
    backlog: Backlog
    listeners: Listeners
    release: Release
    forgetting: Forgetting
    inbound_bells: Bells

    async def serve(self, shard: Shard) -> None:
        """What is done for a shard."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.backlog.run(shard))

    @property
    def parts(self) -> Sequence[Part]:
        """What runs once a process."""
        return [self.listeners.run]

    @property
    def listens(self) -> Mapping[str, Callable[[str], None]]:
        """What other processes say."""
        return {self.inbound_bells.channel: self.inbound_bells.hear}


@asynccontextmanager
async def open_mail(
    runtime: Runtime,
    settings: IntakeSettings,
    *,
    conversations: Conversations,
    workspaces: Workspaces,
    calls: CallDesk,
    deliveries: Deliveries,
    ids: IdFactory,
    blobs: Blobs,
) -> AsyncIterator[MailSystem]:
    """Opens what mail needs, and closes it. Raises OSError where a port is taken."""
    database, metrics = runtime.database, runtime.metrics
    secret = settings.secret.get_secret_value().encode()
    raws, references = PostgresRaws(settings.shards), PostgresReferences()
    inbound = Bells("raw", settings.shards)
    fresh, waiters = Fresh(), Waiters(database, raws)
    desk = MailDesk(
        conversations=conversations,
        workspaces=workspaces,
        raws=raws,
        references=references,
        messages=PostgresMailMessages(),
        deliveries=deliveries,
        ids=ids,
        secret=secret,
    )
    hook_desk = HookDesk(
        conversations=conversations,
        workspaces=workspaces,
        raws=raws,
        blobs=blobs,
        messages=desk.messages,
        deliveries=deliveries,
        consents=PostgresConsents(),
        chats=PostgresChats(settings.shards),
        calls=calls,
        ids=ids,
    )
    mailroom = Mailroom(
        database, raws, workspaces, blobs, runtime.seen, ids, bells=inbound, fresh=fresh, waiters=waiters
    )
    async with AsyncExitStack() as stack:
        parsers = Parsers(ParserLimits(cpu_s=settings.parser_cpu_s, wall_s=4 * settings.parser_cpu_s))
        stack.push_async_callback(parsers.close)
        reading = Reading(settings.parser_workers, parsers, blobs, fresh)
        listeners = Listeners(database, mailroom, workspaces, max_bytes=settings.mail_max_bytes)
        stack.callback(listeners.close)
        listeners.bind(settings.smtp_host or settings.http_host, smtp=settings.smtp_port, lmtp=settings.lmtp_port)
        yield MailSystem(
            raws=raws,
            blobs=blobs,
            parsers=parsers,
            mailroom=mailroom,
            backlog=Backlog(
                database,
                raws,
                reading,
                blobs,
                Settling(database, desk, hook_desk, waiters, metrics),
                bells=inbound,
                metrics=metrics,
            ),
            listeners=listeners,
            forgetting=Forgetting(blobs),
            release=Release(blobs, reading, desk, hook_desk),
            inbound_bells=inbound,
        )
