"""How looking into mailboxes is put together, for the composition root."""

import ssl
from functools import cache

from services.intake.adapters.bells import Bells
from services.intake.adapters.email.imap.mailboxes import Mailboxes
from services.intake.adapters.email.imap.reading import Taking
from services.intake.adapters.email.imap.session import Rhythm, Visiting
from services.intake.adapters.email.mailroom import Mailroom
from services.intake.adapters.outside import Outside
from services.intake.app.ports import Workspaces
from services.intake.settings import IntakeSettings
from shared.secrets import Vault
from shared.service import Runtime


def make_mailboxes(
    runtime: Runtime,
    settings: IntakeSettings,
    *,
    workspaces: Workspaces,
    mailroom: Mailroom,
    outside: Outside,
    vault: Vault,
) -> Mailboxes:
    """What a process needs to look into mailboxes. Connections are opened by the sessions."""

    @cache
    def context() -> ssl.SSLContext:
        # When it is needed first: the certificates take memory.
        made = ssl.create_default_context()
        if settings.imap_ca_file is not None:
            made.load_verify_locations(settings.imap_ca_file)
        return made

    rhythm = Rhythm(idle_s=settings.imap_idle_s, poll_s=settings.imap_poll_s)
    return Mailboxes(
        runtime.database,
        workspaces,
        Visiting(outside, vault, context, rhythm=rhythm, metrics=runtime.metrics),
        Taking(mailroom, max_bytes=settings.mail_max_bytes, metrics=runtime.metrics),
        bells=Bells("mailbox", settings.shards),
        metrics=runtime.metrics,
    )
