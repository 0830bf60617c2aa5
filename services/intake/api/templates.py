"""`/v1/templates`: what is said again and again, as it is configured."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from services.intake.adapters.answering.assembly import Answering
from services.intake.api.callers import Reader
from services.intake.app.compose_answer import TemplateUse, preview
from services.intake.app.desk import Desk
from services.intake.app.queries import Tickets
from services.intake.app.template_parts import Language, VariableName
from services.intake.app.template_values import SAMPLES, values_of
from services.intake.domain.template import Template, VariableType
from shared.db.unit_of_work import Database, Tx
from shared.http.app import api_router
from shared.http.parameters import SlugPath
from shared.http.types import Request, Slug
from shared.vocabulary import Purpose

VariableValues = Annotated[
    dict[VariableName, Annotated[str, StringConstraints(max_length=10_000)]], Field(max_length=30)
]


class TemplateRequest(Request):
    """A template instead of a text."""

    id: Slug
    language: Language | None = Field(default=None, description="By default the customer's.")
    variables: VariableValues = Field(default={}, description="What fills the template's own variables.")

    def use(self) -> TemplateUse:
        """As the use-case knows it."""
        return TemplateUse(template_id=self.id, language=self.language, variables=self.variables)


class TemplateTextResource(BaseModel):
    """A template in one language."""

    subject: str | None
    text: str
    html: str | None


class TemplateResource(BaseModel):
    """A template. `version` is that of the configuration."""

    id: str
    version: int
    purpose: Purpose
    variables: dict[str, VariableType]
    default: str
    texts: dict[str, TemplateTextResource]


class TemplateList(BaseModel):
    """All templates of the workspace."""

    items: list[TemplateResource]


class PreviewRequest(Request):
    """With what a template is looked at: a ticket, or samples."""

    ticket_id: UUID | None = None
    language: Language | None = None
    variables: VariableValues = {}


class PreviewResource(BaseModel):
    """A template with its variables filled."""

    language: str
    subject: str | None
    text: str
    html: str | None


def routes(database: Database, tickets: Tickets, desk: Desk, answering: Answering) -> APIRouter:
    """Templates to look at."""
    router = api_router("templates")

    @router.get("/v1/templates")
    async def list_templates(principal: Reader) -> TemplateList:
        """The workspace's templates, by name."""
        names = [principal.workspace_id]
        configured = await database.transact(lambda tx: desk.workspaces.load(tx, names), workspaces=names)
        workspace = configured[principal.workspace_id]
        found = [_shown(template, workspace.version) for template in workspace.templates.values()]
        return TemplateList(items=sorted(found, key=lambda template: template.id))

    @router.post("/v1/templates/{template_id}/preview")
    async def preview_template(
        template_id: SlugPath, request: PreviewRequest, principal: Reader
    ) -> PreviewResource:
        """The template as a customer would read it. Nothing is sent."""
        workspace_id = principal.workspace_id
        use = TemplateUse(template_id=template_id, language=request.language, variables=request.variables)

        async def unit(tx: Tx) -> PreviewResource:
            workspace = (await desk.workspaces.load(tx, [workspace_id]))[workspace_id]
            known = SAMPLES
            if request.ticket_id is not None:
                ticket = await tickets.get(tx, (workspace_id, request.ticket_id))
                of = workspace_id, ticket.customer_id
                customer = (await desk.correspondence.customers(tx, [of]))[of]
                known = values_of(ticket, customer, workspace, agent_id=ticket.assignee_id)
            language, rendered = preview(workspace, use, known, answering.rich_text)
            return PreviewResource(
                language=language, subject=rendered.subject, text=rendered.text, html=rendered.html
            )

        return await database.transact(unit, workspaces=[workspace_id])

    return router


def _shown(template: Template, version: int) -> TemplateResource:
    return TemplateResource(
        id=template.template_id,
        version=version,
        purpose=template.purpose,
        variables=dict(template.variables),
        default=template.language(),
        texts={
            language: TemplateTextResource(subject=text.subject, text=text.text, html=text.html)
            for language, text in template.texts.items()
        },
    )
