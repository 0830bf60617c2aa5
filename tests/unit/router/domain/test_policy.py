"""Which rule decides; requirements, and what steps leave of them."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.router.domain import decision as d
from services.router.domain.explanation import explain
from services.router.domain.facts import FIELDS, Moment
from services.router.domain.policy import Policy, Requirements, Rule, Share, Step, bucket, failures, match, relaxed
from services.router.domain.queue import Queue
from shared.calendar import Calendar, Hours
from shared.conditions import Prepared, compile_condition
from tests.unit.router.domain.desk import START, Desk, agent, facts, general, ticket_id

ASKED = Requirements(
    queue="general",
    skills=(("billing", 3), ("german", 1)),
    preferred=(("billing", 5), ("french", 2)),
    without=("trainee",),
    teams=("north",),
)


def step(**changes: object) -> Step:
    return Step(**{"after": timedelta(seconds=30), **changes})  # type: ignore[arg-type] # a builder's overrides


def test_a_step_drops_a_skill_wherever_it_is_named() -> None:
    left = relaxed(ASKED, (step(dropped=frozenset({"billing", "trainee"})),))
    assert (left.skills, left.preferred, left.without) == ((("german", 1),), (("french", 2),), ())


def test_a_step_lowers_what_is_asked_and_what_is_preferred() -> None:
    left = relaxed(ASKED, (step(lowered=(("billing", 4),)), step(lowered=(("billing", 2), ("french", 1)))))
    assert left.skills == (("billing", 2), ("german", 1))
    assert left.preferred == (("billing", 2), ("french", 1))


def test_a_step_opens_the_item_to_all_teams() -> None:
    assert relaxed(ASKED, (step(),)).teams == ("north",)
    assert relaxed(ASKED, (step(any_team=True), step())).teams == ()


QUEUES = (Queue(queue_id="general"), Queue(queue_id="night"))
NIGHT = Requirements(queue="night")


def by_night(source: str) -> tuple[Rule, ...]:
    return general(rule_id="night", condition=compile_condition(source, FIELDS), requirements=NIGHT), general()


def test_the_first_rule_that_holds_decides_and_the_trail_says_what_became_of_the_others() -> None:
    rules = (
        general(rule_id="gold", condition=compile_condition('customer.tier == "gold"', FIELDS)),
        general(rule_id="vip", condition=compile_condition("ticket.labels.vip == 'yes'", FIELDS)),
        general(
            rule_id="mail", condition=compile_condition('channel.kind == "email" && channel.id == "mail"', FIELDS)
        ),
        general(),
    )
    found = match(Policy(version=1, rules=rules, prepare=Prepared), ticket_id("t"), facts(), Moment())
    assert found.rule.rule_id == "mail"
    assert found.trail == (
        ("gold", "does not hold"),
        ("vip", "reads a field that is not there"),
        ("mail", "holds"),
    )
    assert failures(found.trail) == ["reads a field that is not there"]


def test_work_goes_by_the_time_at_which_its_ticket_comes_in() -> None:
    desk = Desk.of(
        agent("ann"),
        rules=by_night("time.hour >= 18"),
        queues=QUEUES,
    )
    desk.open("by day")
    desk.now = START.replace(hour=18)
    desk.open("by night")
    assert [desk.item(name).requirements.queue for name in ("by day", "by night")] == ["general", "night"]


def test_work_goes_by_what_is_open_and_is_asked_again_when_the_calendars_change() -> None:
    office = Calendar(time_zone="UTC", weekly={0: (Hours(8 * 60, 12 * 60),)})
    rules = by_night("!calendar.office")
    desk = Desk.of(agent("ann"), calendars={"office": office}, rules=rules, queues=QUEUES)
    desk.open("in time")
    desk.now = datetime(2026, 3, 2, 13, tzinfo=UTC)
    desk.open("late")
    assert [desk.item(name).requirements.queue for name in ("in time", "late")] == ["general", "night"]
    longer = Calendar(time_zone="UTC", weekly={0: (Hours(8 * 60, 18 * 60),)})
    made = desk.configure(agent("ann"), calendars={"office": longer}, version=2, rules=rules, queues=QUEUES)
    assert any(isinstance(decision, d.WorkRequeued) for decision in made)
    assert desk.item("late").requirements.queue == "general"


def test_tickets_are_divided_by_weight_within_chance() -> None:
    weights = (70, 20, 10)
    shares = tuple(
        Share(weight=weight, requirements=Requirements(queue=f"q{number}"))
        for number, weight in enumerate(weights)
    )
    policy = Policy(version=1, rules=(general(shares=shares),))
    count = 10_000
    seen = Counter(
        match(policy, UUID(int=number), facts(), Moment()).requirements.queue for number in range(1, count + 1)
    )
    chi_square = sum(
        (seen[f"q{number}"] - count * weight / 100) ** 2 / (count * weight / 100)
        for number, weight in enumerate(weights)
    )
    # Two degrees of freedom: more than 13.8 once in a thousand times.
    assert chi_square < 13.8, seen


def test_a_ticket_stays_in_its_share_and_the_next_rule_divides_anew() -> None:
    # The value itself: another process, or the same after a restart, divides alike.
    assert bucket(ticket_id("t"), "a") == 0.410693729815101
    assert bucket(ticket_id("t"), "a") != bucket(ticket_id("t"), "b")


def test_a_ticket_whose_facts_change_keeps_its_share_and_its_record_names_it() -> None:
    shares = (Share(weight=1, requirements=Requirements(queue="general")), Share(weight=1, requirements=NIGHT))
    desk = Desk.of(agent("ann", queues=frozenset()), rules=[general(shares=shares)], queues=QUEUES)
    for name in ("a", "b", "c", "d"):
        queued = desk.open(name)[1]
        assert isinstance(queued, d.WorkQueued)
        waits_in = desk.item(name).requirements.queue
        number = 1 if waits_in == "general" else 2
        assert f"Rule everything holds, share {number} of 2: it waits in queue {waits_in}" in explain(queued)
        desk.open(name, language="de")
        desk.configure(
            agent("ann"), rules=[general(shares=shares, rule_id="everything")], queues=QUEUES, version=2
        )
        assert desk.item(name).requirements.queue == waits_in
    assert {desk.item(name).requirements.queue for name in ("a", "b", "c", "d")} == {"general", "night"}
