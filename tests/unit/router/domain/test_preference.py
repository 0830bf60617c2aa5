"""Whom an item would rather go to."""

from datetime import timedelta

import pytest

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.agent import AgentProfile, ChannelLimit
from services.router.domain.explanation import explain
from services.router.domain.policy import Preference, Step
from services.router.domain.reconfigure import rebuild_indexes
from shared.vocabulary import AgentState, ChannelKind, TicketStatus
from tests.unit.router.domain.desk import Desk, agent, configuration, general, kinds, ticket_id

WAIT = timedelta(seconds=30)
ONE_MAIL = {ChannelKind.EMAIL: ChannelLimit(cost=100, most=5)}


def one_at_a_time(name: str, **changes: object) -> AgentProfile:
    return agent(name, limits=ONE_MAIL, **changes)


def a_desk(preference: Preference, *agents: AgentProfile, **rule: object) -> Desk:
    """Ann and Bob, one mail each; Ann idles longest."""
    people = agents or (one_at_a_time("ann"), one_at_a_time("bob"))
    return Desk.of(*people, rules=[general(preference=preference, **rule)])


def occupied(desk: Desk, agent_id: str) -> None:
    """They have their hands full."""
    desk.open("other", labels={})
    desk.feed(inputs.Assign(ticket_id=ticket_id("other"), agent_id=agent_id, actor_id="boss"))


def said(decisions: list[d.Decision]) -> str:
    return " ".join(filter(None, map(explain, decisions)))


@pytest.mark.parametrize(
    ("preference", "labels"),
    [
        (Preference(agent_id="bob"), {}),
        (Preference(label="owner"), {"owner": "bob"}),
        (Preference(agent_id="bob", wait=WAIT), {}),
    ],
)
def test_who_is_preferred_is_asked_before_who_idles_longest(
    preference: Preference, labels: dict[str, str]
) -> None:
    desk = a_desk(preference)
    made = desk.open("t", labels=labels)
    assert desk.asked("t") == ["bob"]
    assert "; bob is asked first" in said(made)
    assert "bob, who comes first for it and is one of" in said(made)


def test_without_a_wait_whoever_is_ready_is_asked_at_once() -> None:
    desk = a_desk(Preference(agent_id="bob"))
    occupied(desk, "bob")
    desk.open("t")
    assert desk.asked("t") == ["ann"]


def test_an_item_waits_for_its_agent_alone_and_is_theirs_when_they_are_free() -> None:
    desk = a_desk(Preference(agent_id="bob", wait=WAIT))
    occupied(desk, "bob")
    desk.open("t")
    desk.after(seconds=29)
    assert desk.asked("t") == []
    desk.status("other", TicketStatus.SOLVED)
    assert desk.asked("t") == ["bob"]
    assert all(key[2] is None for key in desk.state.classes), "their own class is gone with its last item"


def test_after_the_wait_whoever_fits_is_asked_and_the_record_says_so() -> None:
    desk = a_desk(Preference(agent_id="bob", wait=WAIT))
    occupied(desk, "bob")
    desk.open("t")
    made = desk.after(seconds=30)
    assert kinds(made) == ["HoldEnded", "WorkOffered"]
    assert said(made[:1]) == (
        "It was held for bob: they were waited for long enough. Whoever fits may be asked now."
    )
    assert desk.asked("t") == ["ann"]


def test_an_older_item_of_everybodys_is_not_overtaken_by_one_that_is_held() -> None:
    desk = a_desk(Preference(label="owner", wait=WAIT), one_at_a_time("bob"))
    occupied(desk, "bob")
    desk.open("older")
    desk.now += timedelta(seconds=1)
    desk.open("held", labels={"owner": "bob"})
    desk.status("other", TicketStatus.SOLVED)
    assert (desk.asked("older"), desk.asked("held")) == (["bob"], [])


@pytest.mark.parametrize("state", [AgentState.OFFLINE, AgentState.AWAY])
def test_nobody_waits_for_who_is_not_there(state: AgentState) -> None:
    desk = a_desk(Preference(agent_id="bob", wait=WAIT))
    desk.set_state("bob", state)
    assert kinds(desk.open("t")) == ["WorkQueued", "WorkOffered"]
    assert desk.asked("t") == ["ann"]


def test_nobody_waits_for_who_could_not_have_it_or_is_unknown() -> None:
    strangers = a_desk(
        Preference(label="owner", wait=WAIT), one_at_a_time("ann"), one_at_a_time("eve", support_tier=2)
    )
    strangers.open("tier", labels={"owner": "eve"})
    assert strangers.asked("tier") == ["ann"]
    unknown = a_desk(Preference(label="owner", wait=WAIT))
    unknown.open("t", labels={"owner": "zoe"})
    assert unknown.asked("t") == ["ann"]
    assert unknown.item("t").preferred_agent_id is None


@pytest.mark.parametrize("state", [AgentState.OFFLINE, AgentState.AWAY])
def test_who_leaves_is_not_waited_for_any_longer(state: AgentState) -> None:
    desk = a_desk(Preference(agent_id="bob", wait=WAIT))
    occupied(desk, "bob")
    desk.open("t")
    made = desk.set_state("bob", state)
    assert "It was held for bob: they cannot have it now." in said(made)
    assert desk.asked("t") == ["ann"]


def test_who_is_busy_is_waited_for() -> None:
    desk = a_desk(Preference(agent_id="bob", wait=WAIT))
    desk.set_state("bob", AgentState.BUSY)
    desk.open("t")
    assert desk.asked("t") == []
    desk.set_state("bob")
    assert desk.asked("t") == ["bob"]


def test_who_leaves_while_they_are_asked_is_not_waited_for_either() -> None:
    desk = a_desk(Preference(agent_id="bob", wait=WAIT))
    desk.open("t")
    desk.set_state("bob", AgentState.OFFLINE)
    assert desk.asked("t") == ["ann"]


def test_who_refuses_is_not_waited_for_any_longer() -> None:
    desk = a_desk(Preference(agent_id="bob", wait=WAIT))
    desk.open("t")
    desk.decline("bob")
    assert desk.asked("t") == ["ann"]


def test_who_is_removed_or_can_no_longer_have_it_is_not_waited_for() -> None:
    rules = [general(preference=Preference(agent_id="bob", wait=WAIT))]
    for left in ([one_at_a_time("ann")], [one_at_a_time("ann"), one_at_a_time("bob", support_tier=2)]):
        desk = a_desk(Preference(agent_id="bob", wait=WAIT))
        occupied(desk, "bob")
        desk.open("t")
        desk.feed(inputs.Configure(configuration=configuration(left, rules=rules, version=2)))
        assert desk.asked("t") == ["ann"]


def test_whoever_comes_first_whatever_they_have_in_hand_is_asked_over_their_capacity() -> None:
    desk = a_desk(Preference(agent_id="bob", ignores_capacity=True))
    occupied(desk, "bob")
    made = desk.open("t")
    assert desk.asked("t") == ["bob"]
    assert "over their capacity" in said(made)
    assert desk.state.agents["bob"].used == 200
    desk.accept("bob")
    assert desk.item("t").over_capacity
    desk.set_state("bob", AgentState.BUSY)
    desk.open("u")
    assert desk.asked("u") == ["ann"]


def test_a_ticket_goes_to_who_had_it_last() -> None:
    desk = a_desk(Preference())
    occupied(desk, "bob")
    desk.status("other", TicketStatus.SOLVED)
    desk.status("other", TicketStatus.OPEN)
    assert desk.asked("other") == ["bob"]
    desk.open("new")
    assert desk.asked("new") == ["ann"]


def test_a_reopened_ticket_waits_for_who_had_it_as_long_as_the_policy_says() -> None:
    desk = Desk.of(one_at_a_time("ann"), one_at_a_time("bob"), reopened_wait=WAIT)
    occupied(desk, "bob")
    desk.status("other", TicketStatus.SOLVED)
    desk.open("t")
    desk.feed(inputs.Assign(ticket_id=ticket_id("t"), agent_id="bob", actor_id="boss"))
    desk.status("other", TicketStatus.OPEN)
    assert desk.asked("other") == []
    desk.after(seconds=30)
    assert desk.asked("other") == ["ann"]


def test_a_held_item_does_not_skip_a_step_and_moves_on_when_one_leads_elsewhere() -> None:
    steps = (Step(after=timedelta(seconds=10), queue="other", opens_early=True),)
    desk = a_desk(Preference(agent_id="bob", wait=WAIT), steps=steps)
    occupied(desk, "bob")
    desk.open("t")
    assert (desk.item("t").step, desk.asked("t")) == (0, [])
    made = desk.after(seconds=10)
    assert kinds(made) == ["StepOpened", "HoldEnded"]
    assert desk.item("t").requirements.queue == "other"


def test_what_is_held_is_held_after_the_indexes_were_made_anew() -> None:
    desk = a_desk(Preference(agent_id="bob", wait=WAIT))
    occupied(desk, "bob")
    desk.open("t")
    rebuild_indexes(desk.state, desk.now)
    desk.feed(inputs.Tick())
    assert desk.asked("t") == []
    desk.status("other", TicketStatus.SOLVED)
    assert desk.asked("t") == ["bob"]
