"""What people complain of elsewhere: deadlines that come late, or never. A third one is in `test_auditor.py`."""

from datetime import datetime, timedelta

from tests.eventually import eventually
from tests.integration.escalation.desk import Desk, target
from tests.integration.escalation.test_timers import late_s, witness

CHAIN = {"id": "chain", "steps": [{"raise_priority": {"by": 1}}]}


async def test_zammad_5257_on_an_idle_system_a_deadline_comes_at_its_time(desk: Desk) -> None:
    """Between three minutes and an hour passed until anything happened, though nothing else was to be done."""
    await desk.promise(target("first_reply", "15s"))
    desk.opened("t", -13.5)
    await desk.tell()
    clock = await desk.clock("t", "first_reply", state="running")
    # Nobody asks, sends or reads anything meanwhile: only the timer itself can wake its loop.
    late = await witness(desk, datetime.fromisoformat(clock["due_at"]))
    _, breach = await desk.hears("t", "sla.clock_started", "sla.breached")
    assert 0 <= late_s(breach) < 0.5 + late


async def test_zammad_3523_what_is_about_to_escalate_is_shown_before_and_after_and_what_it_sets_off_happens(
    desk: Desk,
) -> None:
    """A release showed no ticket as escalating any more, and set nothing off."""
    await desk.promise(
        target("first_reply", "15m", warn_at_percent=[50], escalation="chain"), escalation_policies=[CHAIN]
    )
    desk.opened("t", -8 * 60)
    await desk.tell()
    await desk.hears("t", "sla.clock_started", "sla.warned")
    before = await desk.clock("t", "first_reply", state="running", warned_percent=50)
    assert datetime.fromisoformat(before["due_at"]) > desk.now()
    await desk.system.travel(timedelta(minutes=10))
    await desk.hears("t", "sla.clock_started", "sla.warned", "sla.breached", "escalation.raised")
    await desk.clock("t", "first_reply", state="breached", due_at=before["due_at"])

    async def is_listed() -> bool:
        (escalation,) = await desk.escalations()
        return bool(escalation["trigger"] == "sla.breached")

    await eventually(is_listed)
