"""What is played: each scene is one request, from its customer to its end."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import cast
from uuid import UUID

from pydantic import BaseModel

from deploy.cli.answers import Offer, Ticket
from deploy.cli.commands.send import in_words
from deploy.cli.errors import CliError
from deploy.demo.cast import Actor
from deploy.demo.mails import INPUTS, Sample
from deploy.demo.stage import Stage, eventually


@dataclass
class Scene:
    """One scene of one run; `ticket` is known once it is there."""

    title: str
    play: Callable[[Stage, "Scene"], Awaitable[None]]
    ticket: Ticket | None = None
    notes: list[str] = field(default_factory=list)


async def login(stage: Stage, scene: Scene) -> None:
    """A mail by SMTP is routed by topic and language to the agent who knows the client, answered, and solved."""
    ticket = scene.ticket = await stage.bring_new(
        Sample("1-login.eml", stage.run), "Login keeps looping after yesterday's update"
    )
    actor, offer = await _asked(stage, ticket, queue="technical", tier=1)
    _require(actor.name == "ben", "its client's own agent is asked first")
    await _accept(stage, actor, offer, ticket)
    await actor.player.reply(
        ticket.ticket_id, "Good morning Ada, please clear the cookies of meridian.example once; then it works."
    )
    stage.narrator.say(actor.name, f"replies to #{ticket.number}")
    await stage.mail("the answer leaves by mail", _to("ada@northwind.example"))
    await _solve(stage, actor, ticket)


async def invoice(stage: Stage, scene: Scene) -> None:
    """A German mail with an attachment; the customer's answer to the answer comes to the same ticket."""
    question = Sample("2-rechnung.eml", stage.run)
    ticket = scene.ticket = await stage.bring_new(
        question, "Rückfrage zur Rechnung 2026-1118: Lizenz zweimal berechnet?"
    )
    actor, offer = await _asked(stage, ticket, queue="billing", tier=1)
    await _accept(stage, actor, offer, ticket)
    text = "Guten Tag Herr Grünwald, Sie haben recht. Wir erstatten den Betrag noch heute."
    await actor.player.reply(ticket.ticket_id, text, status="pending")
    stage.narrator.say(actor.name, f"replies to #{ticket.number}, which waits for its customer now")
    answer = await stage.mail("the answer leaves by mail", _to("buchhaltung@kranich.example"))
    _require(str(answer["In-Reply-To"]) == question.message_id, "the answer names the mail that it answers")
    follow_up = Sample("5-antwort.eml", stage.run)
    follow_up.answering(answer)
    await stage.bring(follow_up)
    await stage.reaches(ticket.ticket_id, "open")
    stage.narrator.say("customer", f"has answered: #{ticket.number} is open again")
    await actor.player.reply(ticket.ticket_id, "Auf das Konto, von dem Sie bezahlt haben. Schönen Tag!")
    await _solve(stage, actor, ticket)


async def new_colleagues(stage: Stage, scene: Scene) -> None:
    """A Spanish mail; the first agent declines, the next one takes it."""
    ticket = scene.ticket = await stage.bring_new(
        Sample("3-alta.eml", stage.run), "¿Cómo doy de alta a dos compañeras?"
    )
    first, refused = await _asked(stage, ticket, queue="general", tier=1)
    await first.player.decline(refused, "I am in a meeting")
    stage.narrator.say(first.name, f"declines #{ticket.number}")
    second, offer = await stage.cast.offered(ticket.ticket_id, but={refused.offer_id})
    _require(second.name != first.name, "somebody else is asked after a refusal")
    await _accept(stage, second, offer, ticket)
    await second.player.reply(ticket.ticket_id, "Hola Lucía: en Ajustes → Personas → Añadir. ¡Bienvenidas!")
    await _solve(stage, second, ticket)


async def printing(stage: Stage, scene: Scene) -> None:
    """A mail with Japanese headers; the first agent does not answer the offer, which goes on to the next."""
    ticket = scene.ticket = await stage.bring_new(
        Sample("4-printing.eml", stage.run), "宿泊者名簿の印刷について (printing)"
    )
    first, expiring = await _asked(stage, ticket, queue="general", tier=1)
    stage.narrator.say(first.name, f"has left the desk and lets #{ticket.number} pass")
    await stage.cast.gone(first, expiring)
    second, offer = await stage.cast.offered(ticket.ticket_id, but={expiring.offer_id})
    _require(second.name != first.name, "somebody else is asked after an offer has expired")
    _require(first.desk.state == "away", "who does not answer an offer is away")
    await first.player.set_state("available")
    stage.narrator.say(first.name, "is back")
    await _accept(stage, second, offer, ticket)
    await second.player.reply(ticket.ticket_id, "Settings → Printing → Language. 設定 → 印刷 → 言語")
    await _solve(stage, second, ticket)


async def room_sync(stage: Stage, scene: Scene) -> None:
    """A message by the API; tier 1 hands it on to tier 2, with a note."""
    ticket = scene.ticket = await stage.post(_messages()[0])
    first, offer = await _asked(stage, ticket, queue="technical", tier=1)
    await _accept(stage, first, offer, ticket)
    await first.player.note(ticket.ticket_id, "E-4012 is a lock in their database: we cannot reach it here.")
    await first.player.transfer(ticket.ticket_id, {"support_tier": 2}, "needs somebody who may look at the locks")
    stage.narrator.say(first.name, f"hands #{ticket.number} on to tier 2")
    expert, second = await stage.cast.offered(ticket.ticket_id, but={offer.offer_id})
    _require(second.support_tier == 2, "the expert is asked as tier 2")
    await _accept(stage, expert, second, ticket)
    await expert.player.reply(ticket.ticket_id, "A backup held the lock. It runs an hour later from now on.")
    await _solve(stage, expert, ticket)


async def refund(stage: Stage, scene: Scene) -> None:
    """Two agents are asked together; the first who accepts has it, and the other's offer is over."""
    ticket = scene.ticket = await stage.post(_messages()[2])
    slower, too_late = await _asked(stage, ticket, queue="billing", tier=1)
    faster, offer = await stage.cast.offered(ticket.ticket_id, but={too_late.offer_id})
    _require(faster.name != slower.name, "two agents are asked")
    await _accept(stage, faster, offer, ticket)
    await stage.cast.gone(slower, too_late)
    stage.narrator.say(slower.name, f"is no longer asked about #{ticket.number}")
    await faster.player.reply(ticket.ticket_id, "Good morning, we have paid the second one back today.")
    await _solve(stage, faster, ticket)


async def drill(stage: Stage, scene: Scene) -> None:
    """Whoever has it does not answer: warning, breach, escalation to tier 2, and people are told."""
    ticket = scene.ticket = await stage.post(_messages()[1])
    first, offer = await _asked(stage, ticket, queue="general", tier=1)
    await _accept(stage, first, offer, ticket)
    stage.narrator.say(first.name, f"is called away and forgets #{ticket.number}")
    await stage.happens(ticket.ticket_id, "sla.warned")
    stage.narrator.say("demo", f"#{ticket.number} is warned: most of its time is used up")
    await stage.happens(ticket.ticket_id, "sla.breached")
    stage.narrator.say("demo", f"#{ticket.number} has broken its promise")
    expert, second = await stage.cast.offered(ticket.ticket_id, but={offer.offer_id})
    _require(second.support_tier == 2, "after the breach tier 2 is asked")
    await _accept(stage, expert, second, ticket)
    await stage.mail("the lead is told by mail", _escalated(ticket))

    async def hooked() -> bool:
        return any(json.loads(body)["data"].get("ticket_number") == ticket.number for body in stage.hooks.bodies)

    await eventually(hooked, "the webhook is called")
    stage.narrator.say("webhook", f"tells of #{ticket.number}; its signature is good")
    _require(await expert.player.acknowledge(ticket.ticket_id) > 0, "there is an escalation to acknowledge")
    stage.narrator.say(expert.name, f"takes the escalation of #{ticket.number} on")
    await expert.player.reply(ticket.ticket_id, "Sí, aquí estamos. Perdone la espera.")
    await _solve(stage, expert, ticket)


async def out_of_office(stage: Stage, scene: Scene) -> None:
    """An automatic answer opens no ticket."""
    await _expect(stage, Sample("6-abwesend.eml", stage.run), "support", "dropped", scene)


async def too_deep(stage: Stage, scene: Scene) -> None:
    """A mail that cannot be read is kept, and opens no ticket."""
    raw_id = await _expect(stage, Sample("7-too-deep.eml", stage.run), "ayuda", "quarantined", scene)
    kept = await stage.services["intake"].pages("/v1/quarantine", _Kept)
    _require(raw_id in {one.id for one in kept}, "the mail is in quarantine")


SCENES = (login, invoice, new_colleagues, printing, room_sync, refund, drill, out_of_office, too_deep)


class _Kept(BaseModel):
    id: UUID


def _messages() -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", json.loads((INPUTS / "messages.json").read_text(encoding="utf-8")))


async def _asked(stage: Stage, ticket: Ticket, *, queue: str, tier: int) -> tuple[Actor, Offer]:
    actor, offer = await stage.cast.offered(ticket.ticket_id)
    _require((offer.queue, offer.support_tier) == (queue, tier), f"it is routed to queue {queue}, tier {tier}")
    return actor, offer


async def _accept(stage: Stage, actor: Actor, offer: Offer, ticket: Ticket) -> None:
    await actor.player.accept(offer)
    stage.narrator.say(actor.name, f"accepts #{ticket.number}")


async def _solve(stage: Stage, actor: Actor, ticket: Ticket) -> None:
    await actor.player.set_status(ticket.ticket_id, "solved")
    stage.narrator.say(actor.name, f"solves #{ticket.number}")


async def _expect(stage: Stage, sample: Sample, channel: str, disposition: str, scene: Scene) -> UUID | None:
    """Brings a mail that is to open nothing by HTTP, which says what became of it; the mail's id."""
    from deploy.cli.answers import Receipt

    answer = await stage.services["intake"].request(
        "POST",
        f"/v1/channels/{channel}/email",
        content=sample.content,
        query={"sender": sample.sender, "recipient": sample.recipient},
        headers={"Content-Type": "message/rfc822"},
    )
    receipt = Receipt.model_validate_json(answer.content)
    stage.narrator.say("customer", f"sends {sample.name}: {in_words(receipt)}")
    scene.notes.append(f"{sample.name}: {in_words(receipt)}")
    _require(receipt.disposition == disposition, f"{sample.name} is {disposition}")
    _require(receipt.ticket_id is None, "no ticket is opened")
    return receipt.message_id


def _to(address: str) -> Callable[[EmailMessage], bool]:
    """What a person wrote to somebody: acknowledgements leave by themselves."""
    return lambda mail: address in str(mail["To"]) and mail["Auto-Submitted"] is None


def _escalated(ticket: Ticket) -> Callable[[EmailMessage], bool]:
    return lambda mail: "lena@" in str(mail["To"]) and f"Ticket {ticket.number} " in str(mail["Subject"])


def _require(holds: bool, what: str) -> None:
    """CliError where it does not hold."""
    if not holds:
        raise CliError(f"not so: {what}")
