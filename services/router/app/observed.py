"""What a run comes to: who got what and after how long, told by its decisions alone."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from services.router.domain import decision as d
from services.router.domain.policy import Requirements, Step, relaxed
from services.router.domain.state import RoutingState


@dataclass(slots=True, kw_only=True)
class Course:
    """What became of one work item.

    agent_id: who got it first; holder: who has it now
    """

    work_id: UUID
    ticket_id: UUID
    queued_at: datetime
    base: Requirements
    steps: tuple[Step, ...]
    step: int = 0
    agent_id: str | None = None
    assigned_at: datetime | None = None
    queue: str = ""
    holder: str | None = None
    is_over: bool = False

    @property
    def wait(self) -> timedelta | None:
        """Until somebody had it; none where nobody did."""
        return self.assigned_at - self.queued_at if self.assigned_at else None


@dataclass(slots=True)
class Busy:
    """What an agent had in hand: how many items they got, and how long they had any."""

    assigned: int = 0
    busy: timedelta = timedelta()
    held: int = 0
    since: datetime | None = None


@dataclass(slots=True)
class Observed:
    """A run as it is watched, decision by decision.

    courses: work items that were queued in it; held_before: those that were there when it began
    """

    courses: dict[UUID, Course] = field(default_factory=dict)
    held_before: set[UUID] = field(default_factory=set)
    agents: defaultdict[str, Busy] = field(default_factory=lambda: defaultdict(Busy))
    live: dict[UUID, UUID] = field(default_factory=dict)
    """Ticket to its live work item."""
    decisions: int = 0

    @classmethod
    def beginning(cls, state: RoutingState, at: datetime) -> "Observed":
        """A run that begins with this."""
        run = cls()
        for item in state.items.values():
            course = Course(
                work_id=item.work_id,
                ticket_id=item.ticket_id,
                queued_at=item.queued_at,
                base=item.base,
                steps=item.steps,
                step=item.step,
                agent_id=item.agent_id,
                assigned_at=item.assigned_at,
                queue=item.requirements.queue,
            )
            run.courses[item.work_id] = course
            run.held_before.add(item.work_id)
            run.live[item.ticket_id] = item.work_id
            if item.agent_id is not None:
                run.take(course, item.agent_id, at, is_counted=False)
        return run

    def see(self, made: d.Decision, at: datetime) -> None:
        """Takes note of a decision."""
        self.decisions += 1
        match made:
            case d.WorkQueued():
                self.courses[made.work_id] = Course(
                    work_id=made.work_id,
                    ticket_id=made.ticket_id,
                    queued_at=at,
                    base=made.base,
                    steps=made.steps,
                    queue=made.base.queue,
                )
                self.live[made.ticket_id] = made.work_id
            case d.StepOpened():
                course = self.courses[made.work_id]
                course.step = made.reasons.step
                self._place(course)
            case d.WorkAssigned():
                course = self.courses[made.work_id]
                self._drop(course, at)
                if course.assigned_at is None:
                    course.agent_id, course.assigned_at = made.agent_id, at
                self.take(course, made.agent_id, at)
            case d.WorkRequeued():
                course = self.courses[made.work_id]
                self._drop(course, at)
                course.base, course.steps, course.step = made.base, made.steps, made.reasons.step
                self._place(course)
            case d.WorkCompleted() | d.WorkCancelled():
                course = self.courses[made.work_id]
                self._drop(course, at)
                course.is_over = True
                self.live.pop(course.ticket_id, None)
            case _:
                pass

    def end(self, at: datetime) -> None:
        """The run is over: what is in hand now has been so until here."""
        for busy in self.agents.values():
            if busy.since is not None:
                busy.busy += at - busy.since
                busy.since = at

    def course(self, ticket_id: UUID) -> Course | None:
        """The ticket's live work."""
        work_id = self.live.get(ticket_id)
        return self.courses[work_id] if work_id else None

    def own(self) -> Iterator[Course]:
        """Work that was queued in this run, in the order in which it was."""
        return (course for course in self.courses.values() if course.work_id not in self.held_before)

    def take(self, course: Course, agent_id: str, at: datetime, *, is_counted: bool = True) -> None:
        """An agent has it now."""
        busy = self.agents[agent_id]
        busy.assigned += is_counted
        busy.held += 1
        busy.since = busy.since or at
        course.holder = agent_id

    def _drop(self, course: Course, at: datetime) -> None:
        if course.holder is None:
            return
        busy = self.agents[course.holder]
        busy.held -= 1
        if not busy.held and busy.since is not None:
            busy.busy += at - busy.since
            busy.since = None
        course.holder = None

    def _place(self, course: Course) -> None:
        """Its queue is the one in which somebody takes it first."""
        if course.assigned_at is None:
            course.queue = relaxed(course.base, course.steps[: course.step]).queue
