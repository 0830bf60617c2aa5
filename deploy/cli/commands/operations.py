"""`waypost migrate`, `topics`, `snapshot`: what an installation needs now and then."""

import asyncio
from typing import Annotated

import typer

from deploy.cli.errors import CliError
from deploy.cli.layout import SERVICES
from deploy.cli.output import console, duration, say, say_json, table
from deploy.cli.place import Place

ServiceName = Annotated[str, typer.Argument(help=f"One of {', '.join(SERVICES)}.", show_default=False)]


def migrate(service: ServiceName) -> None:
    """Brings a service's database to its newest schema, as its owner. Services also do so when they start."""
    from alembic.command import upgrade  # late: only here

    from shared.db import migrate as history
    from shared.db.schema import newest

    require_service(service)
    upgrade(history.config(service, Place.here().owner_url(service)), "head")
    say(f"{service} is at {newest(service)}.")


def topics(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Creates the topics that are missing, and shows them all."""
    from deploy.cli.answers import TopicRow  # late: help needs none of this
    from shared.errors import BrokerUnavailable
    from shared.events.catalog import TOPICS
    from shared.kafka.client import create_topics

    place = Place.here()
    prefix = place.environ.get("WAYPOST_TOPIC_PREFIX", "waypost")
    try:
        made = asyncio.run(create_topics(place.kafka, topic_prefix=prefix))
    except BrokerUnavailable as error:
        raise CliError(f"Kafka does not answer at {place.kafka}: {error}.") from None
    rows = [
        TopicRow(
            topic=f"{prefix}.{topic.name}",
            writer=topic.writer,
            readers=list(topic.readers),
            retention_s=topic.retention.total_seconds(),
            created=f"{prefix}.{topic.name}" in made,
        )
        for topic in TOPICS.values()
    ]
    if json:
        say_json(rows)
        return
    shown = table("topic", "writer", "readers", "kept for", "")
    for row in rows:
        created = "[green]created[/]" if row.created else "there"
        shown.add_row(row.topic, row.writer, ", ".join(row.readers) or "-", duration(row.retention_s), created)
    console().print(shown)


def snapshot(
    service: ServiceName,
    workspace: Annotated[str | None, typer.Option(help="The workspace; the one applied last.")] = None,
) -> None:
    """Has a service publish its present state, for readers that have lost their history."""
    require_service(service)
    asyncio.run(_snapshot(Place.here(), service, workspace))


async def _snapshot(place: Place, name: str, workspace_id: str | None) -> None:
    from deploy.cli.answers import Published
    from deploy.cli.api import Refused, services

    async with services(place, workspace_id=workspace_id) as reached:
        try:
            answer = await reached[name].post("/v1/snapshots", Published)
        except Refused as refused:
            if refused.status in (404, 405):
                raise CliError(f"{name} has no snapshots: nothing is rebuilt from it.") from None
            raise
    say(f"{name} has published {answer.published} snapshots.")


def require_service(name: str) -> None:
    """CliError for a name that is no service's."""
    if name not in SERVICES:
        raise CliError(f"There is no service {name}. There are: {', '.join(SERVICES)}.")
