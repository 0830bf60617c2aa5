"""Surveys in PostgreSQL."""

from typing import Any

from sqlalchemy import Row, insert, select, update

from services.intake.adapters.answering import tables
from services.intake.app.answering_ports import Survey
from services.intake.app.ports import TicketKey
from services.intake.domain.notice_plan import SurveyForm
from shared.db.unit_of_work import Tx
from shared.vocabulary import SurveyKind

_T = tables.survey


class PostgresSurveys:
    """Implements the port `Surveys`."""

    async def add(self, tx: Tx, survey: Survey) -> None:
        """A survey that is sent."""
        await tx.execute(
            insert(_T).values(
                workspace_id=survey.workspace_id,
                ticket_id=survey.ticket_id,
                kind=survey.form.kind.value,
                scale=survey.form.scale,
                agent_id=survey.agent_id,
                language=survey.language,
                sent_at=survey.sent_at,
                comment="",
                revision=0,
            )
        )

    async def get(self, tx: Tx, key: TicketKey) -> Survey | None:
        """What was asked about a ticket, if it was."""
        row = (await tx.execute(select(_T).where(*_of(key)))).one_or_none()
        return _survey(row) if row else None

    async def lock(self, tx: Tx, key: TicketKey) -> Survey | None:
        """The same, to be changed."""
        row = (await tx.execute(select(_T).where(*_of(key)).with_for_update())).one_or_none()
        return _survey(row) if row else None

    async def save(self, tx: Tx, survey: Survey) -> None:
        """An answered survey."""
        await tx.execute(
            update(_T)
            .where(*_of((survey.workspace_id, survey.ticket_id)))
            .values(
                score=survey.score,
                comment=survey.comment,
                revision=survey.revision,
                rated_at=survey.rated_at,
            )
        )


def _of(key: TicketKey) -> tuple[Any, ...]:
    return _T.c.workspace_id == key[0], _T.c.ticket_id == key[1]


def _survey(row: Row[Any]) -> Survey:
    return Survey(
        workspace_id=row.workspace_id,
        ticket_id=row.ticket_id,
        form=SurveyForm(kind=SurveyKind(row.kind), scale=row.scale),
        agent_id=row.agent_id,
        language=row.language,
        sent_at=row.sent_at,
        score=row.score,
        comment=row.comment,
        revision=row.revision,
        rated_at=row.rated_at,
    )
