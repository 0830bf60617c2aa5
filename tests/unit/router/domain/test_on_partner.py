"""Queues that stand for a partner: offers, deadlines, and the way back to the house."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.agent import AgentProfile
from services.router.domain.explanation import explain
from services.router.domain.on_offer import OfferNotPending
from services.router.domain.policy import Requirements, Rule, Step, TierMode
from services.router.domain.queue import Queue
from services.router.domain.work_item import Raised
from shared.vocabulary import AgentState, TicketStatus, WorkState
from tests.unit.router.domain.desk import Desk, agent, configuration, general, kinds, partner, ticket_id

FIELD = "partner:field"
QUEUES = (
    Queue(queue_id="general"),
    Queue(queue_id="field", offer_timeout=timedelta(minutes=30)),
)


def to_field(**changes: object) -> Rule:
    return general(requirements=Requirements(queue="field", **changes))  # type: ignore[arg-type] # a builder's


def outsourced(
    *agents: AgentProfile, rule: Rule | None = None, most: int = 2, done_within: timedelta | None = None
) -> Desk:
    """A desk whose tickets go to the partner of queue `field` first, and to `general` behind it."""
    desk = Desk()
    profiles = (*agents, partner("field", most=most, done_within=done_within))
    desk.feed(inputs.Configure(configuration=configuration(profiles, rules=[rule or to_field()], queues=QUEUES)))
    for profile in agents:
        desk.set_state(profile.agent_id)
    return desk


def end(desk: Desk, name: str, *, is_done: bool) -> list[d.Decision]:
    """The partner ends what it has accepted."""
    offer_id = desk.item(name).accepted_offer_id
    assert offer_id is not None
    return desk.feed(inputs.EndOrder(offer_id=offer_id, agent_id=FIELD, is_done=is_done))


def reasons(decisions: list[d.Decision]) -> list[str]:
    """Why work went back in line."""
    return [made.reason for made in decisions if isinstance(made, d.WorkRequeued)]


def test_a_partner_is_asked_whatever_skills_and_tier_the_work_needs() -> None:
    desk = outsourced(agent("ann"), rule=to_field(support_tier=3, skills=(("plumbing", 5),)))
    desk.open("t")
    assert desk.asked("t") == [FIELD]
    assert desk.offers(FIELD)[0].expires_at == desk.now + timedelta(minutes=30)


def test_a_partner_has_no_more_open_work_orders_than_agreed() -> None:
    desk = outsourced(most=2)
    for name in ("a", "b", "c"):
        desk.open(name)
    assert [desk.item(name).state for name in "abc"] == [WorkState.OFFERED, WorkState.OFFERED, WorkState.QUEUED]
    desk.decline(FIELD)
    assert desk.asked("c") == [FIELD]


def test_what_a_partner_declines_is_the_houses_at_once() -> None:
    desk = outsourced(agent("ann"))
    desk.open("t")
    made = desk.decline(FIELD)
    assert reasons(made) == ["partner_declined"]
    assert desk.asked("t") == ["ann"]
    assert desk.item("t").requirements.queue == "general"


def test_an_offer_that_a_partner_does_not_answer_is_the_houses_and_the_partner_gets_the_next_one() -> None:
    desk = outsourced(agent("ann"))
    desk.open("t")
    assert reasons(desk.after(minutes=30)) == ["partner_silent"]
    assert desk.asked("t") == ["ann"]
    assert desk.state.agents[FIELD].state is AgentState.AVAILABLE
    desk.open("u")
    assert desk.asked("u") == [FIELD]


def test_another_offer_of_a_silent_partner_stays() -> None:
    desk = outsourced()
    desk.open("t")
    desk.after(minutes=10)
    desk.open("u")
    desk.after(minutes=20)
    assert (desk.item("t").state, desk.asked("u")) == (WorkState.QUEUED, [FIELD])


def test_what_is_not_done_in_time_is_the_houses() -> None:
    desk = outsourced(agent("ann"), done_within=timedelta(days=2))
    desk.open("t")
    desk.accept(FIELD)
    assert desk.after(hours=47) == []
    assert reasons(desk.after(hours=1)) == ["partner_late"]
    assert (desk.asked("t"), desk.item("t").done_by) == (["ann"], None)
    assert desk.after(days=3) != []  # ann's own offer expires; the partner's deadline is forgotten
    assert desk.item("t").requirements.queue == "general"


def test_without_a_deadline_a_partner_may_take_any_time() -> None:
    desk = outsourced(agent("ann"))
    desk.open("t")
    desk.accept(FIELD)
    assert desk.after(days=300) == []


def test_what_was_solved_in_time_is_not_late() -> None:
    desk = outsourced(done_within=timedelta(days=2))
    desk.open("t")
    desk.accept(FIELD)
    assert kinds(desk.status("t", TicketStatus.SOLVED)) == ["WorkCompleted"]
    assert desk.after(days=3) == []


def test_somebody_of_the_house_sees_to_what_a_partner_has_done() -> None:
    desk = outsourced(agent("ann"))
    desk.open("t")
    desk.accept(FIELD)
    assert reasons(end(desk, "t", is_done=True)) == ["partner_done"]
    assert desk.asked("t") == ["ann"]


def test_what_is_given_back_after_all_is_the_houses() -> None:
    desk = outsourced(agent("ann"))
    desk.open("t")
    desk.accept(FIELD)
    assert reasons(end(desk, "t", is_done=False)) == ["partner_returned"]


def test_an_order_ends_once() -> None:
    desk = outsourced(agent("ann"))
    desk.open("t")
    desk.accept(FIELD)
    offer_id = desk.item("t").accepted_offer_id
    assert offer_id is not None
    end(desk, "t", is_done=True)
    with pytest.raises(OfferNotPending):
        desk.feed(inputs.EndOrder(offer_id=offer_id, agent_id=FIELD, is_done=True))


def test_work_falls_back_even_where_nobody_of_the_house_has_what_the_partner_was_asked_for() -> None:
    desk = outsourced(agent("ann"), rule=to_field(support_tier=4, skills=(("plumbing", 3),)))
    desk.open("t")
    desk.decline(FIELD)
    assert desk.item("t").requirements == Requirements(queue="general", tier_mode=TierMode.AT_LEAST)
    assert desk.asked("t") == ["ann"]


def test_no_step_leads_back_to_the_partner() -> None:
    steps = (Step(after=timedelta(minutes=10), queue="field"),)
    desk = outsourced(rule=general(steps=steps))
    desk.open("t")
    desk.after(minutes=10)
    assert desk.asked("t") == [FIELD]
    desk.decline(FIELD)
    desk.after(days=1)
    assert (desk.item("t").requirements.queue, desk.asked("t")) == ("general", [])


def test_an_offer_outlived_by_its_queue_ends_where_the_steps_have_brought_the_item() -> None:
    steps = (Step(after=timedelta(minutes=10), queue="other"),)
    desk = Desk()
    desk.feed(
        inputs.Configure(
            configuration=configuration(
                [partner("field")],
                rules=[general(requirements=Requirements(queue="field"), steps=steps)],
                queues=[*QUEUES, Queue(queue_id="other")],
            )
        )
    )
    desk.open("t")
    desk.after(minutes=10)
    desk.after(minutes=20)
    assert (desk.item("t").state, desk.item("t").requirements.queue) == (WorkState.QUEUED, "other")


def test_what_is_taken_from_a_partner_by_hand_is_the_houses() -> None:
    desk = outsourced(agent("ann"))
    desk.open("t")
    desk.accept(FIELD)
    desk.feed(inputs.Release(ticket_id=ticket_id("t"), reason="too slow", actor_id="boss"))
    assert desk.asked("t") == ["ann"]


def test_a_higher_tier_is_one_of_the_house() -> None:
    desk = outsourced(agent("expert", support_tier=2))
    desk.open("t")
    desk.accept(FIELD)
    raised = Raised(escalation_id=ticket_id("e"), support_tier=2)
    desk.feed(inputs.EscalationRaised(ticket_id=ticket_id("t"), raised=raised))
    assert desk.asked("t") == ["expert"]


def test_work_waits_for_the_house_when_a_partnership_ends() -> None:
    desk = outsourced(agent("ann"), most=1)
    for name in ("t", "u"):
        desk.open(name)
    desk.accept(FIELD)
    house = [agent("ann", queues=frozenset({"general", "field"}))]
    desk.feed(inputs.Configure(configuration=configuration(house, rules=[to_field()], queues=QUEUES, version=2)))
    assert (desk.asked("t"), desk.asked("u")) == (["ann"], ["ann"])
    again = (agent("ann"), partner("field"))
    desk.feed(inputs.Configure(configuration=configuration(again, rules=[to_field()], queues=QUEUES, version=3)))
    desk.open("v")
    assert desk.asked("v") == [FIELD]


def configured(desk: Desk, *profiles: AgentProfile, queues: Sequence[Queue] = QUEUES) -> list[d.Decision]:
    """Another configuration, in which tickets go to the queue `field` as before, or to `general` without it."""
    has_field = any(queue.queue_id == "field" for queue in queues)
    rules = [to_field() if has_field else general()]
    version = desk.state.configuration.version + 1
    made = configuration(profiles, rules=rules, queues=queues, version=version)
    return desk.feed(inputs.Configure(configuration=made))


def test_all_that_a_partner_had_falls_back_when_it_is_removed() -> None:
    desk = outsourced(agent("ann"), done_within=timedelta(days=2))
    desk.open("held")
    desk.accept(FIELD)
    desk.open("asked")
    made = configured(desk, agent("ann"))
    assert reasons(made) == ["partner_removed", "partner_removed"]
    assert [desk.item(name).requirements.queue for name in ("held", "asked")] == ["general", "general"]
    assert (desk.asked("held"), desk.asked("asked"), desk.item("held").done_by) == (["ann"], ["ann"], None)
    said = [explain(each) for each in made]
    assert "The queue stands for no partner any more: back in the house, in queue general for tier 1." in said
    assert (
        "The offer to the partner of queue field was taken back because the queue stands for no partner any more."
    ) in said


def test_what_falls_back_from_a_removed_partner_asks_what_the_new_house_has() -> None:
    rule = to_field(skills=(("plumbing", 3),))
    desk = outsourced(agent("ann", skills={"plumbing": 3}), rule=rule)
    desk.open("t")
    desk.accept(FIELD)
    configured(desk, agent("ann"))
    assert desk.item("t").requirements == Requirements(queue="general", tier_mode=TierMode.AT_LEAST)
    assert desk.asked("t") == ["ann"]


def test_what_falls_back_leaves_the_queue_of_a_removed_partner_that_is_gone_too() -> None:
    desk = outsourced(agent("ann"))
    desk.open("t")
    desk.accept(FIELD)
    configured(desk, agent("ann"), queues=QUEUES[:1])
    assert (desk.item("t").requirements.queue, desk.asked("t")) == ("general", ["ann"])


def test_without_the_queue_to_fall_back_to_the_work_of_a_removed_partner_waits_in_its_own() -> None:
    desk = outsourced(agent("ann"))
    desk.open("t")
    desk.accept(FIELD)
    made = configured(desk, agent("bob", queues=frozenset({"field"})), queues=QUEUES[1:])
    assert reasons(made) == ["agent_left"]
    assert desk.item("t").requirements.queue == "field"


def test_another_vendor_is_asked_for_what_the_former_one_has_not_answered() -> None:
    desk = outsourced(agent("ann"), most=3, done_within=timedelta(days=2))
    desk.open("held")
    desk.accept(FIELD)
    held = desk.item("held").accepted_offer_id
    desk.open("asked")
    (before,) = desk.offers(FIELD)
    desk.after(minutes=10)
    made = configured(
        desk, agent("ann"), partner("field", most=3, done_within=timedelta(days=2), url="https://other.example/")
    )
    assert kinds(made) == ["OfferEnded", "WorkRequeued", "Configured", "WorkOffered"]
    assert explain(made[0]).endswith("was taken back because another partner is asked.")
    (after,) = desk.offers(FIELD)
    assert (after.offer_id != before.offer_id, after.expires_at) == (True, desk.now + timedelta(minutes=30))
    assert (desk.item("held").agent_id, desk.item("held").accepted_offer_id) == (FIELD, held)
    assert reasons(end(desk, "held", is_done=True)) == ["partner_done"]


@pytest.mark.parametrize("url", [None, "https://other.example/"])
def test_what_a_partner_and_a_person_were_asked_for_waits_for_others_when_one_change_takes_both(
    url: str | None,
) -> None:
    both = (QUEUES[0], replace(QUEUES[1], asked_at_once=2))
    desk = Desk()
    ann = agent("ann", queues=frozenset({"field"}))
    profiles = (ann, partner("field", most=2))
    desk.feed(inputs.Configure(configuration=configuration(profiles, rules=[to_field()], queues=both)))
    desk.set_state("ann")
    desk.open("t")
    assert sorted(desk.asked("t")) == ["ann", FIELD]
    people = [partner("field", most=2, url=url)] if url else []
    made = configured(desk, agent("bob"), *people, queues=both)
    of_work = [kind for kind in kinds(made) if kind in ("OfferEnded", "WorkRequeued")]
    assert of_work == ["OfferEnded", "OfferEnded", "WorkRequeued"]
    desk.set_state("bob")
    assert desk.asked("t") == ([FIELD] if url else ["bob"])


def test_a_vendor_with_a_new_secret_is_the_same_one() -> None:
    desk = outsourced(agent("ann"))
    desk.open("t")
    offers = desk.offers(FIELD)
    made = configured(desk, agent("ann"), partner("field", secret="sealed:two"))
    assert (kinds(made), desk.offers(FIELD)) == (["Configured"], offers)


def test_decisions_say_what_the_partner_did() -> None:
    desk = outsourced(agent("ann"), done_within=timedelta(days=2))
    desk.open("t")
    desk.accept(FIELD)
    said = [explain(made) for made in (*desk.decisions, *end(desk, "t", is_done=True))]
    assert "Offered to the partner of queue field." in said
    assert "Assigned to the partner of queue field, who accepted, to be done by 2026-03-04 09:00 UTC." in said
    assert (
        "The partner is done; the ticket is unsolved, so the house has it, in queue general for tier 1."
    ) in said
