"""What people complain about in the escalations of their peers, each as a claim that it is not so here."""

from dataclasses import replace

from services.escalation.domain.escalation import Circumstances, Escalation, acknowledge, advance, release, resume
from services.escalation.domain.escalation_policy import Gate, Notify, Repeat, Requeue
from services.escalation.domain.recipient import recipients_of
from shared.calendar import WEEKDAYS, Calendar, parse_hours
from tests.unit.escalation.builders import T0, at, minutes
from tests.unit.escalation.chains import (
    MOVE,
    NOBODY,
    OFFICE,
    TELL,
    an_escalation,
    day,
    seen,
    wait,
)

NIGHT = Notify(emails=("night@example.org",))


def walk(escalation: Escalation, sees: Circumstances | None = None) -> list[tuple[str, int]]:
    """When which step is taken if nobody acts."""
    taken_at: list[tuple[str, int]] = []
    while escalation.next_at is not None:
        due = escalation.next_at
        escalation, taken = advance(escalation, due, sees or seen())
        taken_at += [(due.strftime("%a %H:%M"), item.step) for item in taken]
    return taken_at


def test_a_forgotten_request_goes_to_a_manager_by_itself() -> None:
    """chatwoot#6889: what has waited for hours should be escalated to a manager."""
    _, taken = advance(an_escalation(Requeue(agent_id="boss"), TELL), T0, seen())
    assert [item.action for item in taken] == [Requeue(agent_id="boss"), TELL]


def test_work_climbs_from_manager_to_manager() -> None:
    """erpnext#6049: to the manager of the assignee, and on until the highest level."""
    chain = an_escalation(Requeue(to_manager=True), wait(60), Repeat(times=5))
    managers = {"ada": "lena", "lena": "director"}
    has_it, path = "ada", []
    while chain.next_at is not None:
        chain, taken = advance(chain, chain.next_at, replace(seen(), manager=managers.get(has_it)))
        for item in taken:
            if isinstance(item.action, Requeue) and item.action.agent_id is not None:
                has_it = item.action.agent_id
                path.append(has_it)
    assert path == ["lena", "director"]


def test_where_there_is_no_manager_the_next_step_is_taken_at_once() -> None:
    """target/goalert#4548, for handing over: whoever is not there is not waited for."""
    _, taken = advance(an_escalation(Requeue(to_manager=True), wait(60), MOVE), T0, seen())
    assert [item.step for item in taken] == [1, 3]
    (nobody,) = taken[0].recipients
    assert (nobody.name, nobody.address) == ("manager", None)
    _, taken = advance(an_escalation(Requeue(to_manager=True, queue="urgent")), T0, seen())
    assert [item.action for item in taken] == [Requeue(to_manager=True, queue="urgent")]


def test_work_goes_from_group_to_group_by_itself() -> None:
    """osTicket#3379: no way to escalate automatically between groups."""
    chain = an_escalation(Requeue(queue="second"), wait(60), Requeue(queue="third", support_tier=3))
    assert walk(chain) == [("Mon 08:00", 1), ("Mon 09:00", 3)]


def test_somebody_is_told_of_what_is_still_unassigned_and_of_nothing_else() -> None:
    """faveo-helpdesk#197: mail a manager if a ticket is still unassigned after some minutes."""
    chain = an_escalation(wait(15), replace(TELL, only_if=Gate(is_unassigned=True)))
    assert walk(chain) == [("Mon 08:15", 2)]
    assert walk(chain, seen(is_unassigned=False)) == []


def test_weekdays_and_weekends_have_people_of_their_own() -> None:
    """oncall#1761 and #4752: conditions know times of the day, but no days of the week."""
    chain = an_escalation(replace(TELL, only_if=Gate(within=OFFICE)), replace(NIGHT, only_if=Gate(outside=OFFICE)))
    assert walk(replace(chain, next_at=day("2026-06-05 12:00"))) == [("Fri 12:00", 1)]
    assert walk(replace(chain, next_at=day("2026-06-06 12:00"))) == [("Sat 12:00", 2)]


def test_day_and_night_are_those_of_the_place_also_when_its_clocks_change() -> None:
    """oncall#5512: conditions in UTC are wrong for half of the year, and for everybody elsewhere."""
    hours = {WEEKDAYS.index(name): [parse_hours("09:00-17:00")] for name in WEEKDAYS}
    new_york = Calendar(time_zone="America/New_York", weekly=hours)
    chain = an_escalation(replace(TELL, only_if=Gate(within=new_york)))
    moments = ("2026-10-31 13:30", "2026-11-01 13:30", "2026-11-01 14:00")
    assert [len(walk(replace(chain, next_at=day(moment)))) for moment in moments] == [1, 0, 1]


def test_a_chain_may_wait_until_somebody_is_there() -> None:
    """oncall#4846: delay the start of a chain while nobody is on duty, and tell them when they come."""
    chain = replace(an_escalation(wait(1, OFFICE), TELL), next_at=day("2026-06-05 18:00"))
    assert walk(chain) == [("Mon 07:01", 2)]


def test_a_gate_that_does_not_hold_silences_nothing_behind_it() -> None:
    """The time window of a step must not stop a chain for good."""
    chain = replace(
        an_escalation(replace(TELL, only_if=Gate(within=OFFICE)), wait(30), NIGHT), next_at=day("2026-06-05 18:00")
    )
    assert walk(chain) == [("Fri 18:30", 3)]


def test_any_stretch_of_a_chain_can_be_repeated() -> None:
    """oncall#3760: on-call every minute, then the manager every minute, and no ten steps for it."""
    boss = Notify(emails=("boss@example.org",))
    chain = an_escalation(TELL, wait(1), Repeat(times=4), boss, wait(1), Repeat(times=4, first=3), MOVE)
    assert [step for _, step in walk(chain)] == [1] * 5 + [4] * 5 + [7]


def test_a_step_that_finds_nobody_does_not_wait_out_its_delay() -> None:
    """target/goalert#4548: nobody is on call on weekends, and alerts wait all the same."""
    assert walk(an_escalation(NOBODY, wait(30), TELL)) == [("Mon 08:00", 1), ("Mon 08:00", 3)]


def test_looking_every_ten_minutes_for_a_week_tells_each_level_once() -> None:
    """glpi#1996, #2408: mails go out at every run of the job, until the ticket is solved."""
    escalation, told = an_escalation(wait(10), TELL, wait(10), NIGHT), []
    for run in range(7 * 24 * 6):
        escalation, taken = advance(escalation, at(10 * run), seen())
        told += [item.step for item in taken]
    assert told == [2, 4]


def test_whoever_is_named_twice_is_told_once() -> None:
    """pluginsGLPI/escalade#213: an escalation tells the same people twice."""
    step = Notify(emails=("boss@example.org", "boss@example.org"))
    assert len(recipients_of(step, {}, {}, {})) == 1


def test_an_acknowledgement_that_everybody_forgets_is_no_silence() -> None:
    """Somebody takes it on, goes home, and nobody hears of it again."""
    chain, _ = advance(an_escalation(TELL, wait(5), NIGHT, ack_timeout=minutes(60)), T0, seen())
    forgotten = acknowledge(chain, "ann", at(1))
    assert forgotten.resumes_at == at(61)
    _, taken = advance(release(resume(forgotten), at(61)), at(61), seen())
    assert [item.step for item in taken] == [3]
