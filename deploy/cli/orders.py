"""What an agent can type, and what it does."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from rich.console import RenderableType
from rich.text import Text

from deploy.cli.answers import Message
from deploy.cli.before_me import BeforeMe
from deploy.cli.errors import CliError
from deploy.cli.output import clock_time, printable, safe
from deploy.cli.player import Player

HELP = """\
[bold]available[/] [bold]busy[/] [bold]away[/] [bold]offline[/]      what you are, with a reason if you like
[bold]accept[/] \\[N]   [bold]decline[/] \\[N] \\[why]    an offer; N is the ticket's number
[bold]list[/]   [bold]read[/] \\[N]                 what you have before you; a conversation
[bold]reply[/] \\[#N] \\[text]              answers the customer; without a text: lines, until one is a single dot
[bold]note[/] \\[#N] \\[text]               the same for colleagues only
[bold]solve[/] \\[N]   [bold]pending[/] \\[N]         the ticket is solved, or waits for its customer
[bold]transfer[/] \\[#N] tier 2 \\[why]    or: queue billing, agent ines
[bold]ack[/] \\[N]   [bold]done[/] \\[N]              takes an escalation on; ends a wrap-up
[bold]quit[/]                           goes offline and leaves"""

_TARGETS = {"tier": "support_tier", "queue": "queue", "agent": "agent_id"}
_STATES = ("available", "busy", "away", "offline")
_SHORT = {"a": "accept", "d": "decline", "l": "list", "r": "read", "s": "solve", "t": "transfer", "?": "help"}

Say = Callable[[RenderableType], None]
Order = Callable[[str], Awaitable[None]]


class Orders:
    """Carries out what an agent types."""

    def __init__(self, player: Player, before: BeforeMe, say: Say, lines: AsyncIterator[str]) -> None:
        """lines: what is typed; a text of several lines is read from it"""
        self._player = player
        self._before = before
        self._say = say
        self._lines = lines
        self._known: Mapping[str, Order] = {
            "accept": self._accept,
            "decline": self._decline,
            "list": self._list,
            "read": self._read,
            "reply": self._reply,
            "note": self._note,
            "solve": self._solve,
            "pending": self._pending,
            "transfer": self._transfer,
            "ack": self._acknowledge,
            "done": self._done,
        }

    async def obey(self, line: str) -> None:
        """Does what a line says. Raises CliError."""
        word, _, rest = line.partition(" ")
        word = _SHORT.get(word, word)
        if word in _STATES:
            await self._set_state(word, rest.strip() or None)
        elif word == "help":
            self._say(HELP)
        elif word in self._known:
            await self._known[word](rest)
        elif word:
            raise CliError(f"{word}? There is: {', '.join((*_STATES, *self._known, 'help', 'quit'))}.")

    async def _set_state(self, state: str, reason: str | None) -> None:
        await self._player.set_state(state, reason)
        # Told before the stream says so: the input may end here.
        self._before.become(state, reason)
        self._say(state_in_words(state, reason))

    async def _accept(self, said: str) -> None:
        offer, _ = self._before.offer(said)
        ticket = await self._before.ticket(offer.ticket_id)
        # Known before the stream says so: the next line may already be about it.
        self._before.take(offer, await self._player.accept(offer))
        self._say(f"[green]#{ticket.number} is yours[/]: {safe(ticket.subject)}")

    async def _decline(self, said: str) -> None:
        offer, why = self._before.offer(said)
        await self._player.decline(offer, why or "declined")

    async def _list(self, _: str) -> None:
        desk = self._before.desk
        for offer in desk.offers:
            ticket = await self._before.ticket(offer.ticket_id)
            self._say(f"  offered  #{ticket.number} {safe(ticket.subject)} ({offer.priority})")
        for work in desk.work:
            ticket = await self._player.ticket(work.ticket_id)
            self._say(
                f"  {work.state:<8} #{ticket.number} {safe(ticket.subject)} ({ticket.status}, {work.priority})"
            )
        if not desk.offers and not desk.work:
            self._say("Nothing.")

    async def _read(self, said: str) -> None:
        try:
            offer, _ = self._before.offer(said)
            ticket_id = offer.ticket_id
        except CliError:
            work, _ = self._before.work(said)
            ticket_id = work.ticket_id
        for message in await self._player.conversation(ticket_id):
            self._say(_written(message))

    async def _reply(self, said: str) -> None:
        work, text = self._before.work(said, has_text=True)
        await self._player.reply(work.ticket_id, text or await self._text())
        self._say(f"Your answer to {self._before.name(work.ticket_id)} is on its way.")

    async def _note(self, said: str) -> None:
        work, text = self._before.work(said, has_text=True)
        await self._player.note(work.ticket_id, text or await self._text())
        self._say(f"Noted on {self._before.name(work.ticket_id)}.")

    async def _solve(self, said: str) -> None:
        await self._set_status(said, "solved")

    async def _pending(self, said: str) -> None:
        await self._set_status(said, "pending")

    async def _set_status(self, said: str, status: str) -> None:
        work, _ = self._before.work(said)
        await self._player.set_status(work.ticket_id, status)
        self._say(f"{self._before.name(work.ticket_id)} is {status}.")

    async def _transfer(self, said: str) -> None:
        work, rest = self._before.work(said, has_text=True)
        words = rest.removeprefix("to ").split(maxsplit=2)
        if len(words) < 2 or words[0] not in _TARGETS:
            raise CliError("Say where to: `transfer tier 2`, `transfer queue billing` or `transfer agent ines`.")
        target: dict[str, object] = {_TARGETS[words[0]]: words[1]}
        if words[0] == "tier":
            if not words[1].isdigit():
                raise CliError("A tier is a number.")
            target = {"support_tier": int(words[1])}
        await self._player.transfer(work.ticket_id, target, words[2] if len(words) > 2 else "transferred")
        self._say(f"{self._before.name(work.ticket_id)} goes to {words[0]} {safe(words[1])}.")

    async def _acknowledge(self, said: str) -> None:
        work, _ = self._before.work(said)
        count = await self._player.acknowledge(work.ticket_id)
        self._say("You have taken it on: no further step is taken." if count else "It is not escalated.")

    async def _done(self, said: str) -> None:
        work, _ = self._before.work(said)
        await self._player.complete(work.ticket_id)

    async def _text(self) -> str:
        """A text of several lines. CliError where there is none."""
        self._say("[dim]Write; a single dot ends.[/]")
        typed = []
        async for line in self._lines:
            if line.strip() == ".":
                break
            typed.append(line)
        if not "".join(typed).strip():
            raise CliError("There was no text.")
        return "\n".join(typed)


def state_in_words(state: str, reason: str | None) -> str:
    """What an agent is, as it is told to them."""
    return f"You are [bold]{state}[/]{f' ({safe(reason)})' if reason else ''}."


def _written(message: Message) -> Text:
    who = message.author_id or message.author_name or message.author_kind
    who = message.author_name or "customer" if message.kind == "inbound" else who
    style = {"inbound": "cyan", "note": "yellow"}.get(message.kind, "magenta")
    head = f"{clock_time(message.created_at)} {printable(who)}{' (note)' if message.kind == 'note' else ''}"
    body = "\n".join(f"  {line}" for line in printable(message.text).strip().splitlines())
    return Text.assemble((head, style), "\n", body)
