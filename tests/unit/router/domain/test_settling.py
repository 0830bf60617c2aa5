"""Who gets what where several agents and several items meet at once."""

from collections.abc import Sequence
from datetime import timedelta

from services.router.adapters.memory import complete
from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.configuration import Matching
from services.router.domain.facts import FIELDS
from services.router.domain.pairing import Group, Row
from services.router.domain.policy import Preference, Requirements
from services.router.domain.queue import Queue
from shared.calendar import Calendar, Hours
from shared.conditions import compile_condition
from shared.vocabulary import AgentState
from tests.unit.router.domain.desk import Desk, agent, general, labels, partner

FIRST_HALVES = Calendar(
    time_zone="UTC", weekly={day: [Hours(hour * 60, hour * 60 + 30) for hour in range(24)] for day in range(7)}
)
TO_BILLING = general(
    rule_id="bills",
    condition=compile_condition("has(ticket.labels.bill)", {"ticket": FIELDS["ticket"]}),
    requirements=Requirements(queue="billing"),
)


class Gives:
    """A solver that leaves it at whoever comes first."""

    def solve(self, groups: Sequence[Group], rows: Sequence[Row]) -> None:
        """Nothing."""


def test_whoever_refused_the_first_item_is_given_the_next_before_what_they_serve_later() -> None:
    ann = agent("ann", queues=frozenset({"general", "billing"}), ranks={"general": 1, "billing": 10}, capacity=20)
    bob = agent("bob", capacity=20)
    queues = [Queue(queue_id="general", hours=FIRST_HALVES), Queue(queue_id="billing", hours=FIRST_HALVES)]
    desk = Desk.of(ann, bob, available=False, rules=[TO_BILLING, general()], queues=queues)
    desk.set_state("ann")
    desk.open("refused")
    desk.decline("ann")
    desk.after(minutes=31)
    desk.set_state("bob")
    desk.open("next")
    desk.open("bill", labels=labels(bill="1"))
    desk.after(minutes=30)
    assert [desk.asked(name) for name in ("refused", "next", "bill")] == [["bob"], ["ann"], []]


def test_a_partner_has_no_skills_that_matching_could_weigh() -> None:
    rule = general(requirements=Requirements(queue="field", skills=(("german", 3),)))
    matching = Matching(at_least=1, misfit=1, load=1, urgency=1, stickiness=1, solver=Gives())
    queues = [Queue(queue_id="field"), Queue(queue_id="general")]
    desk = Desk.of(partner("field"), available=False, rules=[rule], queues=queues, matching=matching)
    desk.open("one")
    assert desk.asked("one") == ["partner:field"]


def test_what_was_settled_counts_for_no_matching_after_the_memory_was_made_anew() -> None:
    german = general(
        rule_id="german",
        condition=compile_condition('ticket.language == "de"', {"ticket": FIELDS["ticket"]}),
        requirements=Requirements(queue="general", skills=(("german", 3),)),
    )
    matching = Matching(at_least=2, misfit=1, load=1, urgency=1, stickiness=1, solver=Gives())
    names = ("ann", "bob")
    desk = Desk.of(
        *(agent(name, skills={"german": 3}) for name in names), rules=[german, general()], matching=matching
    )
    for item in ("one", "two"):
        desk.open(item)
        for _ in names:
            desk.decline(desk.asked(item)[0])
    complete(desk.state, desk.now)
    assert not desk.state.unsettled
    (offered,) = (made for made in desk.open("three", language="de") if isinstance(made, d.WorkOffered))
    assert offered.reasons.choice is not None
    assert offered.reasons.choice.together is None


def test_what_can_be_given_out_when_the_memory_is_made_anew_is_given_out_with_whatever_happens_next() -> None:
    desk = Desk.of(agent("ann"), available=False)
    desk.open("one")
    desk.state.agents["ann"].state = AgentState.AVAILABLE
    complete(desk.state, desk.now)
    desk.feed(inputs.Tick())
    assert desk.asked("one") == ["ann"]


def test_time_that_an_item_is_held_for_somebody_stands_still_in_a_closed_queue() -> None:
    wish = general(preference=Preference(agent_id="ann", wait=timedelta(minutes=40)))
    hours = [Queue(queue_id="general", hours=FIRST_HALVES)]
    desk = Desk.of(agent("ann", capacity=20), agent("bob"), rules=[wish], queues=hours)
    desk.open("one")
    desk.accept("ann")
    desk.open("two")
    desk.after(minutes=69)
    assert desk.asked("two") == []
    desk.after(minutes=1)
    assert desk.asked("two") == ["bob"]
