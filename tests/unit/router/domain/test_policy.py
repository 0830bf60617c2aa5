"""Requirements, and what steps leave of them."""

from datetime import timedelta

from services.router.domain.policy import Requirements, Step, relaxed

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
