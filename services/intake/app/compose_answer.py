"""Makes the text of an answer of what was asked for: text, HTML, or a template."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from services.intake.app.answering_ports import RichText
from services.intake.app.desk import By, Desk, lock_ticket
from services.intake.app.ports import TicketKey
from services.intake.app.template_values import values_of
from services.intake.domain.template import Rendered, Template, fits, render
from services.intake.domain.workspace import Workspace
from shared.configuration import Problem
from shared.db.unit_of_work import Tx
from shared.errors import InvalidInput, NotFound
from shared.vocabulary import Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateUse:
    """A template, and what fills its own variables. language: by default the customer's"""

    template_id: str
    language: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


def said_in(text: str | None, html: str | None, rich_text: RichText) -> Rendered | None:
    """What somebody wrote: HTML without what is not safe, and a text beside it. None where nothing is written.

    Raises InvalidInput where nothing is left of it.
    """
    if text is None and html is None:
        return None
    clean = rich_text.clean(html) if html is not None else None
    plain = text if text is not None else rich_text.to_text(clean or "")
    if not plain.strip():
        raise InvalidInput("Nothing is written.", problems=(("/text", "empty"),))
    return Rendered(text=plain, html=clean or None)


async def from_template(
    key: TicketKey, use: TemplateUse, author_id: str, by: By, *, tx: Tx, desk: Desk, rich_text: RichText
) -> Rendered:
    """A template filled for this ticket, in the name of its author.

    Raises NotFound, NotAllowed, and InvalidInput for a template that is not there or variables that do not fit.
    """
    ticket, customer = await lock_ticket(key, by, tx=tx, desk=desk)
    workspace = (await desk.workspaces.load(tx, [key[0]]))[key[0]]
    template = workspace.templates.get(use.template_id)
    if template is None or template.purpose is not Purpose.REPLY:
        raise InvalidInput("There is no such template for replies.", problems=(("/template/id", "unknown"),))
    channel = workspace.channels.get(ticket.channel)
    wanted = (use.language, ticket.language, customer.language, channel.language if channel else None)
    known = values_of(ticket, customer, workspace, agent_id=author_id)
    return _filled(template, use, template.language(*wanted), known, rich_text, at="/template")


def preview(
    workspace: Workspace, use: TemplateUse, known: Mapping[str, str], rich_text: RichText
) -> tuple[str, Rendered]:
    """The language that a template is shown in, and the template with these values.

    Raises NotFound, and InvalidInput for variables that do not fit.
    """
    template = workspace.templates.get(use.template_id)
    if template is None:
        raise NotFound("There is no such template.")
    language = template.language(use.language)
    return language, _filled(template, use, language, known, rich_text)


def _filled(
    template: Template,
    use: TemplateUse,
    language: str,
    known: Mapping[str, str],
    rich_text: RichText,
    at: str = "",
) -> Rendered:
    if problems := tuple(_problems(template, use, at)):
        raise InvalidInput("The variables do not fit.", problems=problems)
    rendered = render(template.texts[language], {**known, **use.variables})
    html = rich_text.clean(rendered.html) if rendered.html else None
    return Rendered(text=rendered.text, subject=rendered.subject, html=html)


def _problems(template: Template, use: TemplateUse, at: str) -> Iterator[Problem]:
    for name, value in use.variables.items():
        if name not in template.variables:
            yield f"{at}/variables/{name}", "unknown"
        elif not fits(value, template.variables[name]):
            yield f"{at}/variables/{name}", f"not a {template.variables[name]}"
    for name in template.variables:
        if name not in use.variables:
            yield f"{at}/variables/{name}", "missing"
