"""How the adapters of answers are put together, for the composition root."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.intake.adapters.answering.notices import PostgresNotices
from services.intake.adapters.answering.notifying import Notifying
from services.intake.adapters.answering.quotas import PostgresQuotaBook
from services.intake.adapters.answering.rich_text import Nh3RichText
from services.intake.adapters.answering.surveys import PostgresSurveys
from services.intake.adapters.answering.uploads import PostgresUploads
from services.intake.adapters.bells import Bells
from services.intake.adapters.email.reachability import is_deliverable
from services.intake.app.desk import Desk
from services.intake.app.recipient_quota import RecipientQuota
from services.intake.app.send_notices import NoticeDesk
from services.intake.app.visitor_mail import VisitorMail
from services.intake.settings import IntakeSettings
from shared.link_tokens import LinkTokens
from shared.service import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """Everything about answers that one process runs."""

    bells: Bells
    notifying: Notifying
    surveys: PostgresSurveys
    uploads: PostgresUploads
    rich_text: Nh3RichText
    visitor_mail: VisitorMail
    survey_tokens: LinkTokens

    @property
    def listens(self) -> Mapping[str, Callable[[str], None]]:
        """What other processes say."""
        return {self.bells.channel: self.bells.hear}


def assemble_answering(runtime: Runtime, settings: IntakeSettings, desk: Desk, bells: Bells) -> Answering:
    """Puts it together. bells: rung by whoever plans a notice"""
    notices, surveys, rich_text = PostgresNotices(), PostgresSurveys(), Nh3RichText()
    secret = settings.secret.get_secret_value().encode()
    survey_tokens = LinkTokens(secret, "survey")
    quota = RecipientQuota(
        book=PostgresQuotaBook(),
        secret=secret,
        acks_an_hour=settings.acks_an_hour,
        notices_an_hour=settings.notices_an_hour,
        callbacks_an_hour=settings.callbacks_an_hour,
    )
    notice_desk = NoticeDesk(
        desk=desk,
        notices=notices,
        surveys=surveys,
        rich_text=rich_text,
        quota=quota,
        survey_tokens=survey_tokens,
        public_url=settings.public_url or (runtime.own_url if settings.environment == "development" else None),
    )
    return Answering(
        bells=bells,
        notifying=Notifying(runtime.database, notice_desk, bells=bells, metrics=runtime.metrics),
        surveys=surveys,
        uploads=PostgresUploads(),
        rich_text=rich_text,
        visitor_mail=VisitorMail(quota=quota, is_deliverable=is_deliverable),
        survey_tokens=survey_tokens,
    )
