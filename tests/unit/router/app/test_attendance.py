"""What the engine is told of streams."""

from services.router.app.attendance import Attendance
from services.router.app.configuration import RouterPart
from services.router.domain import inputs
from services.router.domain.due import next_due_at
from tests.unit.router.memory import ACME, Hall


async def a_hall(*agents: str) -> Hall:
    hall = Hall()
    await hall.load()
    await hall.configured(RouterPart.model_validate({"agents": [{"id": name} for name in agents]}))
    return hall


async def test_an_agent_is_there_while_one_of_their_streams_is() -> None:
    hall, attendance = await a_hall("ann"), Attendance()
    for change, connected in (
        (attendance.come, True),
        (attendance.come, True),
        (attendance.leave, True),
        (attendance.leave, False),
    ):
        change(ACME, "ann")
        await hall.asked(attendance.look(ACME, "ann").make)
        assert hall.state.agents["ann"].is_connected is connected


async def test_the_engine_is_told_how_it_is_when_its_turn_comes() -> None:
    hall, attendance = await a_hall("ann"), Attendance()
    attendance.come(ACME, "ann")
    late = attendance.look(ACME, "ann")
    attendance.leave(ACME, "ann")
    await hall.asked(late.make)
    assert not hall.state.agents["ann"].is_connected


async def test_who_had_a_stream_before_a_takeover_has_none_until_they_connect_anew() -> None:
    hall = await a_hall("ann", "bob", "cid")
    await hall.asked(*(inputs.Connected(agent_id=name) for name in ("ann", "bob")))
    await hall.load()
    assert hall.state.agents["ann"].is_connected
    here = Attendance()
    here.come(ACME, "bob")
    command = here.roll_call(hall.state)
    assert command is not None
    await hall.asked(command.make)
    agents = hall.state.agents
    assert [agents[name].is_connected for name in ("ann", "bob", "cid")] == [False, True, False]
    assert [agents[name].disconnected_at for name in ("ann", "bob", "cid")] == [hall.now(), None, None]
    assert here.roll_call(hall.state) is None


async def test_a_lost_connection_is_counted_on_by_whoever_takes_over() -> None:
    hall = await a_hall("ann")
    await hall.asked(inputs.Connected(agent_id="ann"))
    await hall.asked(inputs.Disconnected(agent_ids=("ann",)))
    await hall.load()
    lost_at = next_due_at(hall.state)
    assert lost_at is not None
    assert (lost_at - hall.now()).total_seconds() == 60
