"""Which addresses can be mailed, in PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import text

from services.intake.app.mail_ports import Bounce
from services.intake.app.ports import IdentityKey
from services.intake.domain.message import Identity, IdentityKind, email_identity
from services.intake.domain.reachability import Reachability
from shared.db.unit_of_work import Tx

# The recipient is the one that we mailed: a report's own words prove nothing, and servers pass mail on.
_FLAG = text(
    "UPDATE identity i SET undeliverable_since = CASE WHEN f.is_hard"
    " THEN COALESCE(i.undeliverable_since, :now) ELSE i.undeliverable_since END,"
    " undeliverable_reason = COALESCE(f.detail, i.undeliverable_reason),"
    " do_not_mail_since = CASE WHEN f.is_complaint"
    " THEN COALESCE(i.do_not_mail_since, :now) ELSE i.do_not_mail_since END"
    " FROM (SELECT d.workspace_id, d.recipient, bool_or(w.is_hard) AS is_hard,"
    " bool_or(w.is_complaint) AS is_complaint, max(w.detail) FILTER (WHERE w.is_hard) AS detail"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[]), CAST(:hards AS boolean[]),"
    " CAST(:complaints AS boolean[]), CAST(:details AS text[]))"
    " AS w (workspace_id, message_id, is_hard, is_complaint, detail)"
    " JOIN delivery d ON d.workspace_id = w.workspace_id AND d.message_id = w.message_id GROUP BY 1, 2) AS f"
    " WHERE i.workspace_id = f.workspace_id AND i.kind = 'email' AND i.value = f.recipient"
)
_CLEAR = text(
    "UPDATE identity i SET undeliverable_since = NULL, undeliverable_reason = NULL"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:values AS text[])) AS w (workspace_id, value)"
    " WHERE i.workspace_id = w.workspace_id AND i.kind = 'email' AND i.value = w.value"
    " AND i.undeliverable_since IS NOT NULL"
)
_FIND = text(
    "SELECT i.workspace_id, i.value, i.undeliverable_since, i.undeliverable_reason, i.do_not_mail_since"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:values AS text[])) AS w (workspace_id, value)"
    " JOIN identity i ON i.workspace_id = w.workspace_id AND i.kind = 'email' AND i.value = w.value"
    " WHERE i.undeliverable_since IS NOT NULL OR i.do_not_mail_since IS NOT NULL"
)


async def flag(tx: Tx, bounces: Sequence[Bounce]) -> None:
    """Marks the addresses to which these went, where mail will never arrive or is not wanted."""
    grave = sorted(
        (bounce for bounce in bounces if bounce.is_hard or bounce.is_complaint),
        key=lambda bounce: (bounce.workspace_id, bounce.message_id),
    )
    if not grave:
        return
    await tx.execute(
        _FLAG,
        {
            "now": await tx.now(),
            "workspaces": [bounce.workspace_id for bounce in grave],
            "ids": [bounce.message_id for bounce in grave],
            "hards": [bounce.is_hard for bounce in grave],
            "complaints": [bounce.is_complaint for bounce in grave],
            "details": [bounce.detail for bounce in grave],
        },
    )


async def clear(tx: Tx, senders: Collection[IdentityKey]) -> None:
    """Whoever writes can be written to again. A complaint stays."""
    if senders:
        await tx.execute(_CLEAR, _columns(senders))


async def reachability(tx: Tx, identities: Collection[IdentityKey]) -> Mapping[IdentityKey, Reachability]:
    """What is known of those that are flagged; all others can be mailed."""
    mail = [key for key in identities if key[1].kind is IdentityKind.EMAIL]
    if not mail:
        return {}
    rows = await tx.execute(_FIND, _columns(mail))
    return {
        (row.workspace_id, Identity(kind=IdentityKind.EMAIL, value=row.value)): Reachability(
            undeliverable_since=row.undeliverable_since,
            undeliverable_reason=row.undeliverable_reason,
            do_not_mail_since=row.do_not_mail_since,
        )
        for row in rows
    }


async def is_deliverable(tx: Tx, workspace_id: str, address: str) -> bool:
    """Whether automatic mail may be sent to this address."""
    key = workspace_id, email_identity(address)
    known = (await reachability(tx, [key])).get(key)
    return known is None or known.is_deliverable


def _columns(identities: Collection[IdentityKey]) -> dict[str, object]:
    ordered = sorted(identities, key=lambda key: (key[0], key[1].value))
    return {"workspaces": [key[0] for key in ordered], "values": [key[1].value for key in ordered]}
