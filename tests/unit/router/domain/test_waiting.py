"""Why work still waits, and what would release it."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from services.router.domain import inputs
from services.router.domain.agent import ChannelLimit
from services.router.domain.explanation import explain
from services.router.domain.hours import Duty, TimeOff
from services.router.domain.order import Order, OrderBy
from services.router.domain.policy import Preference, Requirements, Step
from services.router.domain.queue import OfferMode, Overflow, Queue
from services.router.domain.releases import Release
from services.router.domain.waiting import MOST_COUNTED, Waiting, waiting
from shared.calendar import Calendar, Hours
from shared.vocabulary import AgentState, ChannelKind, Priority, TicketStatus
from tests.unit.router.domain.desk import START, Desk, agent, general, partner

OFFICE = Calendar(time_zone="UTC", weekly={day: (Hours(8 * 60, 17 * 60),) for day in range(5)})
GERMAN = Requirements(queue="general", skills=(("german", 4),))
AUTO = Queue(queue_id="general", offer_mode=OfferMode.AUTO)


def look(desk: Desk, name: str) -> Waiting:
    return waiting(desk.state, desk.item(name), desk.now)


def kinds(found: Waiting) -> list[str]:
    return [release.kind for release in found.releases]


def only(found: Waiting) -> Release:
    assert len(found.releases) == 1, found.releases
    return found.releases[0]


def calls(desk: Desk, names: Sequence[str], **changes: object) -> None:
    for name in names:
        desk.open(name, channel="phone", channel_kind=ChannelKind.VOICE, **changes)


def test_who_is_full_has_to_finish_something() -> None:
    desk = Desk.of(agent("ann"), agent("bob"), queues=[AUTO])
    calls(desk, ["a", "b", "t"])
    found = look(desk, "t")
    assert (found.position, found.fit, found.ready, found.obstacles) == (1, 2, 0, {"capacity": 2})
    release = only(found)
    assert (release.kind, release.at, release.count, release.agents) == ("agent_finishes", None, 2, ("ann", "bob"))
    assert release.words == "one of 2 agents (ann, bob) finishes something (in hand: 2 voice)"
    assert found.words == (
        "It waits in queue general for tier 1, with priority normal. 2 agents fit, 0 could be asked now;"
        " not asked: 2 without room. What would release it: one of 2 agents (ann, bob) finishes something"
        " (in hand: 2 voice)."
    )
    desk.status("a", TicketStatus.SOLVED)
    assert desk.item("t").agent_id == "ann", "what was said would release it does"


def test_one_thing_less_is_not_always_enough() -> None:
    desk = Desk.of(agent("ann"), queues=[AUTO])
    desk.open("a")
    desk.open("b")
    calls(desk, ["t"])
    assert only(look(desk, "t")).words == "ann finishes enough to have room for voice (in hand: 2 email)"
    desk.status("a", TicketStatus.SOLVED)
    assert only(look(desk, "t")).words == "ann finishes something (in hand: 1 email)"


def test_what_may_be_laid_aside_need_not_be_finished() -> None:
    limits = {
        **agent("x").limits,
        ChannelKind.EMAIL: ChannelLimit(cost=100, most=1, is_interruptible=True),
    }
    desk = Desk.of(agent("ann", limits=limits), queues=[AUTO])
    calls(desk, ["a"])
    desk.open("t")
    assert only(look(desk, "t")).words == "ann finishes something (in hand: 1 voice)"


def test_a_wrap_up_ends_by_its_time() -> None:
    desk = Desk.of(
        agent("ann"), queues=[Queue(queue_id="general", offer_mode=OfferMode.AUTO, wrap_up=timedelta(minutes=5))]
    )
    calls(desk, ["a", "t"])
    desk.status("a", TicketStatus.SOLVED)
    found = look(desk, "t")
    assert kinds(found) == ["wrap_up_ends", "agent_finishes"]
    assert found.releases[0].at == desk.now + timedelta(minutes=5)
    desk.after(minutes=5)
    assert desk.item("t").agent_id == "ann"


def test_who_is_away_has_to_be_available() -> None:
    desk = Desk.of(agent("ann"), agent("bob"), available=False)
    desk.feed(inputs.SetAgentState(agent_id="ann", state=AgentState.AWAY, reason="lunch"))
    desk.open("t")
    found = look(desk, "t")
    assert found.obstacles == {"state:away": 1, "state:offline": 1}
    assert only(found).words == "one of 2 agents (ann (away: lunch), bob (offline)) becomes available"
    desk.set_state("bob")
    assert desk.asked("t") == ["bob"]


def test_shifts_and_leave_are_told_by_their_time() -> None:
    night = Duty(shifts=OFFICE, time_off=())
    leave = Duty(time_off=(TimeOff(starts_at=START, ends_at=START + timedelta(hours=2)),))
    desk = Desk(now=START + timedelta(hours=10))
    desk.configure(agent("ann", duty=night), agent("bob", duty=night))
    desk.set_state("ann")
    desk.open("t")
    found = look(desk, "t")
    opens_at = START + timedelta(hours=23)
    assert [(release.kind, release.at) for release in found.releases] == [("shift_begins", opens_at)] * 2
    assert [release.words for release in found.releases] == [
        "ann begins their shift at 2026-03-03 08:00 UTC",
        "bob begins their shift at 2026-03-03 08:00 UTC and becomes available (offline now)",
    ]
    assert found.obstacles == {"off_shift": 2}
    desk = Desk.of(agent("ann", duty=leave))
    desk.open("t")
    assert only(look(desk, "t")).words == "ann is back from leave at 2026-03-02 11:00 UTC"
    desk.after(hours=2)
    assert desk.asked("t") == ["ann"]


def test_who_refused_has_to_go_away_and_come_back() -> None:
    desk = Desk.of(agent("ann"))
    desk.open("t")
    desk.decline("ann")
    assert only(look(desk, "t")).words == "ann, having refused it, goes away and is back"
    calls(desk, ["phone"])
    desk.accept("ann")
    assert only(look(desk, "t")).kind == "refuser_returns", "room alone does not help"


def test_who_has_no_room_for_a_channel_ever_is_not_waited_for() -> None:
    limits = {**agent("x").limits, ChannelKind.VOICE: ChannelLimit(cost=100, most=0)}
    desk = Desk.of(agent("ann", limits=limits))
    calls(desk, ["t"])
    assert kinds(look(desk, "t")) == ["configuration"]
    assert look(desk, "t").obstacles == {"no_room_ever": 1}


def test_a_closed_queue_has_to_open() -> None:
    queue = Queue(queue_id="general", hours=OFFICE)
    desk = Desk.of(agent("ann"), queues=[queue])
    desk.after(hours=10)
    desk.open("t")
    found = look(desk, "t")
    assert only(found) == Release(
        kind="queue_opens",
        words="queue general opens at 2026-03-03 08:00 UTC",
        at=START + timedelta(hours=23),
    )
    assert "in queue general for tier 1, which is closed" in found.words


def test_a_step_says_when_it_opens_and_who_could_be_asked_then() -> None:
    rule = general(
        requirements=GERMAN,
        steps=(
            Step(after=timedelta(minutes=5), lowered=(("german", 3),)),
            Step(after=timedelta(minutes=10), dropped=frozenset({"german"}), raise_by=1),
        ),
    )
    desk = Desk.of(
        agent("ann"), agent("bob", skills={"german": 3}), agent("eve", queues=frozenset()), rules=[rule]
    )
    desk.set_state("bob", AgentState.AWAY)
    opened_at = desk.now
    desk.open("t")
    found = look(desk, "t")
    assert (found.fit, found.unfit) == (0, {"skill:german": 2, "queue": 1})
    assert kinds(found) == ["step_opens", "step_opens", "nobody_fits"]
    first, second, nobody = found.releases
    assert first.at == opened_at + timedelta(minutes=5)
    assert first.words.endswith("german at least 3 then; nobody more could be asked as it stands")
    assert second.words.endswith(
        "its priority rises, and it waits in queue general for tier 1 then; 1 more could be asked as it stands"
    )
    assert second.agents == ("ann",)
    assert nobody.words == (
        "nobody in the workspace could ever take it: of 2 agents in queue general who may be asked otherwise none"
        " has german at 4, the best has 3; lower it to 3, or train somebody"
    )
    desk.after(minutes=10)
    assert desk.asked("t") == ["ann"]


def test_the_overflow_of_a_queue_that_a_step_leaves_before_releases_nothing() -> None:
    queues = [
        Queue(queue_id="general", overflow=Overflow(after=timedelta(minutes=7), to="second")),
        Queue(queue_id="third"),
        Queue(queue_id="second"),
    ]
    steps = (Step(after=timedelta(minutes=5), queue="third"), Step(after=timedelta(minutes=9), raise_by=1))
    desk = Desk.of(agent("sue", queues=frozenset({"second"})), rules=[general(steps=steps)], queues=queues)
    opened_at = desk.now
    desk.open("t")
    opening = [release.at for release in look(desk, "t").releases if release.kind == "step_opens"]
    assert opening == [opened_at + timedelta(minutes=minutes) for minutes in (5, 9)]


def test_a_step_that_nobody_fits_either_says_so() -> None:
    steps = (Step(after=timedelta(minutes=5), lowered=(("german", 3),)),)
    desk = Desk.of(agent("ann"), rules=[general(requirements=GERMAN, steps=steps)])
    desk.open("t")
    assert look(desk, "t").releases[0].words.endswith("german at least 3 then; nobody fits that either")


def test_a_step_asks_nobody_who_refused_or_is_kept_free() -> None:
    queues = [Queue(queue_id="general"), Queue(queue_id="vip", reserve=1)]
    steps = (Step(after=timedelta(minutes=5), dropped=frozenset({"german"})),)
    rule = general(requirements=GERMAN, steps=steps)
    staff = (
        agent("ann", skills={"german": 4}),
        agent("bob", queues=frozenset({"general", "vip"})),
        agent("eve"),
    )
    desk = Desk.of(*staff, rules=[rule], queues=queues)
    desk.open("t")
    desk.decline("ann")
    found = look(desk, "t")
    assert (found.releases[0].count, found.releases[0].agents) == (1, ("eve",))
    desk.after(minutes=5)
    assert desk.asked("t") == ["eve"]


def test_what_is_held_tells_of_everybody_who_fits_although_only_one_is_asked() -> None:
    rule = general(requirements=GERMAN, preference=Preference(agent_id="ann", wait=timedelta(minutes=5)))
    staff = [agent(name, skills={"german": 5}) for name in ("ann", "bob")]
    desk = Desk.of(*staff, agent("eve"), rules=[rule], queues=[AUTO])
    calls(desk, ["a", "t"])
    found = look(desk, "t")
    assert not desk.state.classes.get((GERMAN, ChannelKind.VOICE, None))
    assert (found.fit, found.ready, found.obstacles, found.unfit) == (2, 1, {"capacity": 1}, {"skill:german": 1})


def test_looking_changes_nothing() -> None:
    rule = general(requirements=GERMAN, steps=(Step(after=timedelta(minutes=5), dropped=frozenset({"german"})),))
    desk = Desk.of(agent("ann"), rules=[rule])
    desk.open("t")
    before = (set(desk.state.classes), list(desk.state.timers), desk.state.touched, dict(desk.state.unsettled))
    assert look(desk, "t") == look(desk, "t")
    assert before == (
        set(desk.state.classes),
        list(desk.state.timers),
        desk.state.touched,
        dict(desk.state.unsettled),
    )


def test_an_answer_that_is_awaited_comes_by_its_deadline() -> None:
    desk = Desk.of(agent("ann"), agent("bob"))
    desk.open("t")
    found = look(desk, "t")
    assert found.position is None, "somebody is being asked: it is in no line"
    release = found.releases[0]
    assert (release.kind, release.at) == ("offer_answered", desk.offers("ann")[0].expires_at)
    assert found.obstacles == {"asked": 1}


def test_a_partners_answer_is_awaited() -> None:
    vendor = partner("field")
    desk = Desk.of(
        vendor,
        agent("ann"),
        available=False,
        rules=[general(requirements=Requirements(queue="field"))],
        queues=[Queue(queue_id="field"), Queue(queue_id="general")],
    )
    desk.open("t")
    found = look(desk, "t")
    assert found.releases[0].kind == "partner_answers"
    assert found.releases[0].words.startswith(
        "the partner of queue field answers the offer by 2026-03-02 09:02 UTC"
    )
    assert "It is for the partner of queue field, already asked. What would" in found.words


def test_partners_are_nobody_whom_the_house_lacks() -> None:
    queues = [Queue(queue_id="field"), Queue(queue_id="general")]
    desk = Desk.of(partner("field"), agent("bob", queues=frozenset()), rules=[general()], queues=queues)
    desk.open("t")
    assert (look(desk, "t").fit, look(desk, "t").unfit) == (0, {"queue": 1})
    staffed = Desk.of(partner("field"), agent("ann"), rules=[general()], queues=queues)
    staffed.open("t")
    assert [explain(made) for made in staffed.decisions][-1] == (
        "Offered to ann, first of 1 who could be asked by longest idle."
    )


def test_what_is_held_for_one_agent_waits_for_them_until_then() -> None:
    rule = general(preference=Preference(agent_id="ann", wait=timedelta(minutes=5)))
    desk = Desk.of(agent("ann"), agent("bob"), rules=[rule], queues=[AUTO])
    desk.set_state("bob", AgentState.AWAY)
    calls(desk, ["a"])
    desk.set_state("bob")
    calls(desk, ["t"])
    found = look(desk, "t")
    assert kinds(found) == ["hold_ends", "agent_finishes"]
    ends, finishes = found.releases
    assert (ends.at, ends.count) == (desk.now + timedelta(minutes=5), 1)
    assert finishes.agents == ("ann",)
    assert "It is held for ann until 2026-03-02 09:05:" in found.words
    desk.after(minutes=5)
    assert desk.item("t").agent_id == "bob"


def test_in_a_queue_that_agents_draw_from_somebody_has_to_take_it() -> None:
    desk = Desk.of(agent("ann"), queues=[Queue(queue_id="general", offer_mode=OfferMode.PULL)])
    desk.open("t")
    assert only(look(desk, "t")).words == "ann takes it: nobody is asked in this queue"
    desk.take_next("ann")
    assert desk.item("t").agent_id == "ann"


def test_whom_another_queue_keeps_free_has_to_be_let_go() -> None:
    queues = [AUTO, Queue(queue_id="vip", reserve=1)]
    desk = Desk.of(agent("ann", queues=frozenset({"general", "vip"})), queues=queues)
    desk.open("t")
    found = look(desk, "t")
    assert found.obstacles == {"reserved": 1}
    assert kinds(found) == ["reserve_filled"]


@pytest.mark.parametrize(
    ("order", "position"),
    [
        (OrderBy.PRIORITY, 3),
        (OrderBy.OLDEST, 2),
        (OrderBy.SCORE, 3),
        (OrderBy.AGEING, 3),
        (OrderBy.SLA_URGENCY, 3),
    ],
)
def test_the_position_is_that_in_the_queues_order_over_all_that_is_asked_for(
    order: OrderBy, position: int
) -> None:
    german = general(rule_id="german", requirements=GERMAN)
    queue = Queue(queue_id="general", order=Order(by=order))
    desk = Desk.of(rules=[german], queues=[queue])
    desk.open("first")
    desk.configure(rules=[general()], queues=[queue], version=2)
    desk.after(seconds=5)
    desk.open("t")
    desk.after(seconds=5)
    desk.open("urgent", priority=Priority.URGENT)
    found = look(desk, "t")
    assert found.position == position
    assert f"{position - 1} are before it" in found.words


def test_a_very_long_line_is_counted_only_so_far() -> None:
    desk = Desk.of()
    for number in range(MOST_COUNTED + 1):
        desk.after(seconds=1)
        desk.open(str(number))
    assert look(desk, str(MOST_COUNTED - 1)).position == MOST_COUNTED
    far = look(desk, str(MOST_COUNTED))
    assert (far.position, far.ahead, far.is_further_back) == (None, MOST_COUNTED, True)
    assert f"at least {MOST_COUNTED} are before it" in far.words


def test_what_comes_before_takes_its_share_of_the_staff() -> None:
    """Of three calls in hand one is of a queue that Ann serves first, and one is more pressing."""
    queues = [AUTO, Queue(queue_id="vip", rank=10, offer_mode=OfferMode.AUTO)]
    staff = (agent("ann", queues=frozenset({"general", "vip"})), agent("bob"), agent("eve"))
    desk = Desk.of(*staff, rules=[general(requirements=Requirements(queue="vip"))], queues=queues)
    calls(desk, ["vip"])
    desk.configure(*staff, queues=queues, version=2)
    calls(desk, ["pressing"], priority=Priority.URGENT)
    calls(desk, ["normal", "t"])
    found = look(desk, "t")
    assert (found.serving, found.higher) == (3, 2 / 4)
