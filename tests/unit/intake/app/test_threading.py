"""No sequence of mails opens a second ticket for one thread, and no stranger's mail joins a ticket publicly.

What holds, exactly: a mail of somebody who takes part joins the ticket to which anything in it points, as long
as that ticket, or one that goes on with it, takes messages up; otherwise it opens the one ticket that follows.
A mail that came before changes nothing. Mails that name all that came before them in their thread end in one
ticket in whatever order they come. What is not promised: a mail without any link opens a ticket, and an
automatic answer that had nothing to join is recorded only when it comes again after its thread.
"""

from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.app.mail_ports import RawState
from services.intake.domain.message import Disposition
from services.intake.domain.reopening import LOOP_LABEL
from tests.unit.intake.app.letters import ACME, ADA, AWAY, BOB, CAROL, EVE, GLOBEX, LINKS, Letter, World

numbers = st.integers(min_value=0, max_value=6)
links = st.sets(st.sampled_from(LINKS))
sure = st.sampled_from([{"in_reply_to"}, {"references", "tag"}, {"address"}, set(LINKS)])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("opening"), st.sampled_from([ACME, GLOBEX]), st.sampled_from([ADA, BOB])),
        st.tuples(st.just("answer"), numbers, st.sampled_from([ADA, BOB]), links),
        st.tuples(st.just("answer"), numbers, st.sampled_from([ADA, BOB]), sure),
        st.tuples(st.just("agent"), numbers),
        st.tuples(st.just("repeat"), numbers),
        st.tuples(st.just("stranger"), numbers, st.sampled_from([CAROL, EVE]), links),
        st.tuples(st.just("elsewhere"), numbers, links),
        st.tuples(st.just("forward"), numbers, st.sampled_from([ADA, EVE])),
        st.tuples(st.just("away"), numbers, links),
        st.tuples(st.just("solve"), numbers),
        st.tuples(st.just("close"), numbers),
        st.tuples(st.just("merge"), numbers, numbers),
    ),
    min_size=3,
    max_size=20,
).map(lambda more: [("opening", ACME, ADA), ("opening", GLOBEX, ADA), *more])


class Play:
    """Takes steps, and checks what each of them does.

    letters: what can be answered; sent: what came in, with its outcome; openers: who opened each ticket
    """

    def __init__(self) -> None:
        self.world = World()
        self.letters: list[Letter] = []
        self.sent: list[tuple[Letter, Any]] = []
        self.openers: dict[Any, str] = {}

    def take(self, name: str, *arguments: Any) -> None:
        self.world.after += self.world.after.resolution * 60_000_000
        if name == "opening" or self.letters:
            getattr(self, name)(*arguments)

    def deliver(self, letter: Letter) -> Any:
        outcome = self.world.receive(letter)
        self.sent.append((letter, outcome))
        if outcome.disposition is Disposition.OPENED and letter.mail.sender:
            assert outcome.ticket_id not in self.openers
            self.openers[outcome.ticket_id] = letter.mail.sender.address
        return outcome

    def picked(self, number: int) -> Letter:
        return self.letters[number % len(self.letters)]

    def opening(self, workspace_id: str, sender: str) -> None:
        letter = self.world.opening(workspace_id, sender, *({ADA, BOB} - {sender}))
        assert self.deliver(letter).disposition is Disposition.OPENED
        self.letters.append(letter)

    def answer(self, number: int, sender: str, left: set[str]) -> None:
        before = self.picked(number)
        ticket = self.world.ticket_of(before)
        letter = self.world.answer(before, sender, left, *({ADA, BOB} - {sender}))
        outcome = self.deliver(letter)
        self.letters.append(letter)
        # The tag of an agent's mail goes on in the subjects of what answers it.
        is_tagged = "tag" in left and "[#" in before.mail.subject
        is_to_ticket = "address" in left and before.number is not None
        if ticket is None or not ({"in_reply_to", "references"} & left or is_to_ticket or is_tagged):
            assert outcome.disposition is Disposition.OPENED
            return
        joined = self.world.memory.tickets[letter.workspace_id, outcome.ticket_id]
        assert outcome.reason in (None, "reopened_too_often")
        if self.world.takes_up(ticket):
            assert outcome.disposition in (Disposition.APPENDED, Disposition.REOPENED)
            assert joined.ticket_id == ticket.ticket_id
            assert joined.status.is_unsolved or joined.labels[LOOP_LABEL[0]] == LOOP_LABEL[1]
        else:
            assert outcome.disposition is Disposition.OPENED
            assert joined.follow_up_of == ticket.ticket_id
        assert sender in self.world.public(letter.workspace_id, joined.ticket_id)

    def agent(self, number: int) -> None:
        if letter := self.world.agents_answer(self.picked(number)):
            self.letters.append(letter)

    def repeat(self, number: int) -> None:
        letter, first = self.sent[number % len(self.sent)]
        if first.ticket_id is None:
            return
        before = deepcopy(self.world.memory)
        again = self.world.receive(letter)
        assert (again.state, again.ticket_id) == (RawState.DUPLICATE, first.ticket_id)
        assert self.world.memory == before

    def stranger(self, number: int, sender: str, left: set[str]) -> None:
        before = self.picked(number)
        ticket = self.world.ticket_of(before)
        outcome = self.deliver(self.world.answer(before, sender, left))
        joined = self.world.memory.tickets[before.workspace_id, outcome.ticket_id]
        if outcome.disposition is Disposition.OPENED:
            assert joined.follow_up_of is None
            return
        if self.openers[joined.ticket_id] == sender:
            # Their own: they wrote before, and opened a ticket by it.
            assert joined.customer_id == self.world.memory.messages[-1].customer_id
            return
        assert outcome.reason == "unverified_sender"
        assert ticket is not None
        assert (joined.status, joined.labels) == (ticket.status, ticket.labels)
        assert not self.world.memory.messages[-1].is_public

    def elsewhere(self, number: int, left: set[str]) -> None:
        """To the other workspace, with what points to a ticket of this one."""
        before = self.picked(number)
        other = GLOBEX if before.workspace_id == ACME else ACME
        kept = {key: ticket for key, ticket in self.world.memory.tickets.items() if key[0] == before.workspace_id}
        stolen = self.world.answer(before, ADA, left)
        outcome = self.deliver(Letter(other, stolen.mail))
        assert (other, outcome.ticket_id) in self.world.memory.tickets
        assert kept.items() <= self.world.memory.tickets.items()

    def forward(self, number: int, sender: str) -> None:
        original = self.picked(number)
        letter = self.world.opening(original.workspace_id, sender)
        old = self.world.mail(sender, letter.mail.recipients, original_message_ids=(original.mail.message_id,))
        assert self.deliver(Letter(original.workspace_id, old)).disposition is Disposition.OPENED

    def away(self, number: int, left: set[str]) -> None:
        before = self.picked(number)
        tickets = dict(self.world.memory.tickets)
        outcome = self.deliver(self.world.answer(before, ADA, left, markers=AWAY))
        assert outcome.disposition in (Disposition.APPENDED, Disposition.DROPPED)
        assert tickets.keys() == self.world.memory.tickets.keys()
        for key, ticket in self.world.memory.tickets.items():
            was = tickets[key]
            assert (ticket.status, ticket.solved_at, ticket.close_due_at, ticket.labels) == (
                was.status,
                was.solved_at,
                was.close_due_at,
                was.labels,
            )

    def solve(self, number: int) -> None:
        if ticket := self.world.ticket_of(self.picked(number)):
            self.world.solve(ticket)

    def close(self, number: int) -> None:
        if ticket := self.world.ticket_of(self.picked(number)):
            self.world.close(ticket)

    def merge(self, number: int, other: int) -> None:
        source, target = (self.world.ticket_of(self.picked(each)) for each in (number, other))
        if source and target:
            self.world.merge(source, target)

    def check(self) -> None:
        """What holds whatever has happened."""
        memory = self.world.memory
        for workspace_id, ticket_id in memory.tickets:
            writers = set(self.world.public(workspace_id, ticket_id))
            assert writers <= {ADA, BOB} or writers in ({CAROL}, {EVE}), writers
        places = [(stored.message.workspace_id, stored.message.message_id) for stored in memory.messages]
        assert len(set(places)) == len(places)
        assert all((stored.message.workspace_id, stored.ticket_id) in memory.tickets for stored in memory.messages)
        assert all(item.event.workspace_id in (ACME, GLOBEX) for item in memory.told)


@settings(max_examples=200)
@given(steps)
def test_mails_join_their_ticket_or_open_the_one_that_follows_whatever_happens(
    taken: list[tuple[Any, ...]],
) -> None:
    play = Play()
    for step in taken:
        play.take(*step)
    play.check()


@st.composite
def correspondence(draw: st.DrawFn) -> list[list[Letter]]:
    """Threads of two people, as their programs write them: with all references, or with the last one only."""
    world = World()
    threads = []
    for _ in range(draw(st.integers(min_value=1, max_value=3))):
        thread = [world.opening(ACME, ADA, BOB)]
        for _ in range(draw(st.integers(min_value=0, max_value=5))):
            before = draw(st.sampled_from(thread))
            sender, other = draw(st.permutations([ADA, BOB]))
            left = draw(st.sampled_from([{"references"}, {"in_reply_to"}, {"in_reply_to", "references"}]))
            thread.append(world.answer(before, sender, left, other))
        threads.append(thread)
    return threads


def names(letter: Letter) -> set[str]:
    """The mails that a mail is, or answers."""
    mail = letter.mail
    return {mail.message_id or "", *mail.in_reply_to, *mail.references}


def delivered(letters: list[Letter]) -> World:
    world = World()
    for letter in letters:
        world.receive(letter)
    return world


@settings(max_examples=100)
@given(st.data())
def test_whatever_comes_three_times_in_any_order_ends_as_if_it_had_come_once(data: st.DataObject) -> None:
    letters = [letter for thread in data.draw(correspondence()) for letter in thread]
    order = data.draw(st.permutations(letters * 3))
    world = delivered(order)
    assert world.memory == delivered(list(dict.fromkeys(order))).memory
    assert len(world.memory.messages) == len(letters)
    assert all(stored.is_public for stored in world.memory.messages)


@settings(max_examples=100)
@given(st.data())
def test_a_mail_opens_a_ticket_only_where_nothing_that_came_before_is_bound_to_it(data: st.DataObject) -> None:
    threads = data.draw(correspondence())
    world = World()
    places: dict[Letter, object] = {}
    for letter in data.draw(st.permutations([letter for thread in threads for letter in thread])):
        bound = {place for other, place in places.items() if names(other) & names(letter)}
        outcome = world.receive(letter)
        assert (outcome.disposition is Disposition.OPENED) == (not bound)
        assert not bound or outcome.ticket_id in bound
        places[letter] = outcome.ticket_id
    # Where programs name all that came before, the order does not matter.
    for thread in threads:
        if all(names(thread[0]) & names(letter) for letter in thread):
            assert len({places[letter] for letter in thread}) == 1
