"""What rotations have to keep to, and what is said of the sixty days ahead."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.escalation.app.configuration import EscalationPart
from services.escalation.app.configuration_rules import check
from services.escalation.app.policies import to_policies
from services.escalation.domain.duty import duty_of
from services.escalation.domain.sla_policy import Policies, PolicyHistory
from shared.errors import InvalidInput
from shared.public_holidays import public_holidays

NOW = datetime(2026, 6, 1, tzinfo=UTC)
CONTACTS = [{"agent": name, "email": f"{name}@example.com"} for name in ("ada", "ben", "cy")]
OFFICE = {"id": "office", "time_zone": "Europe/Berlin", "weekly": {"mon": ["09:00-17:00"]}}


def layer(**fields: Any) -> dict[str, Any]:
    return {"members": ["ada", "ben"], "starts_on": "2026-01-05", **fields}


def rotation(*layers: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"id": "desk", "time_zone": "Europe/Berlin", "layers": layers or [layer()], **fields}


def tells(**notify: Any) -> dict[str, Any]:
    return {"id": "chain", "steps": [{"notify": notify}]}


def part(*rotations: dict[str, Any]) -> EscalationPart:
    content = {"calendars": [OFFICE], "contacts": CONTACTS, "rotations": rotations}
    return EscalationPart.model_validate(content)


def checked(*rotations: dict[str, Any]) -> list[str]:
    return check(part(*rotations), NOW, public_holidays)


@pytest.mark.parametrize(
    ("rotations", "pointer"),
    [
        ([rotation(), rotation()], "/rotations/1/id"),
        ([rotation(time_zone="Europe/Atlantis")], "/rotations/0/time_zone"),
        ([rotation(fallback="zoe")], "/rotations/0/fallback"),
        ([rotation(layer(), layer())], "/rotations/0/layers/1/id"),
        ([rotation(layer(members=["ada", "zoe"]))], "/rotations/0/layers/0/members"),
        ([rotation(layer(members=["ada", "ada"]))], "/rotations/0/layers/0/members"),
        ([rotation(layer(period="daily", weekday="mon"))], "/rotations/0/layers/0/weekday"),
        ([rotation(layer(month_day=31))], "/rotations/0/layers/0/month_day"),
        ([rotation(layer(starts_on="1999-12-31"))], "/rotations/0/layers/0/starts_on"),
        ([rotation(layer(time_zone="../../etc"))], "/rotations/0/layers/0/time_zone"),
        ([rotation(layer(during="never"))], "/rotations/0/layers/0/during"),
        ([rotation(layer(outside="never"))], "/rotations/0/layers/0/outside"),
        ([rotation(layer(hours={"mon": ["25:00-26:00"]}))], "/rotations/0/layers/0/hours/mon"),
        ([rotation(layer(hours={}))], "/rotations/0/layers/0/hours"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_its_place(rotations: list[dict[str, Any]], pointer: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked(*rotations)
    assert [at for at, _ in refused.value.problems] == [pointer]


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        ({"contacts": [{**CONTACTS[0], "manager": "zoe"}]}, "/contacts/0/manager"),
        ({"queue_managers": [{"queue": "q", "manager": "zoe"}]}, "/queue_managers/0/manager"),
        ({"queue_managers": [{"queue": "q", "manager": "ada"}] * 2}, "/queue_managers/1/queue"),
        ({"escalation_policies": [tells(on_call=["other"])]}, "/escalation_policies/0/steps/0/notify/on_call"),
        (
            {"escalation_policies": [tells(teams_in_turn=["other"])]},
            "/escalation_policies/0/steps/0/notify/teams_in_turn",
        ),
        ({"escalation_policies": [tells()]}, "/escalation_policies/0/steps/0/notify"),
    ],
)
def test_who_is_told_is_somebody(content: dict[str, Any], pointer: str) -> None:
    whole = EscalationPart.model_validate({"contacts": CONTACTS, "rotations": [rotation()], **content})
    fine = {"contacts": CONTACTS, "rotations": [rotation()], "escalation_policies": [tells(on_call=["desk"])]}
    check(EscalationPart.model_validate(fine), NOW, public_holidays)
    with pytest.raises(InvalidInput) as refused:
        check(whole.model_copy(update={"rotations": ()} if "contacts" in content else {}), NOW, public_holidays)
    assert [at for at, _ in refused.value.problems] == [pointer]


def test_somebody_at_all_times_is_fine() -> None:
    assert checked(rotation()) == []
    assert checked(rotation(layer(outside="office"), layer(id="day", during="office"))) == []


def test_gaps_are_told() -> None:
    (told,) = checked(rotation(layer(outside="office")))
    assert told == (
        "/rotations/0: rotation desk has nobody on call in 9 stretches of the next 60 days,"
        " first from 2026-06-01 07:00Z to 2026-06-01 15:00Z"
    )
    assert checked(rotation(layer(outside="office"), fallback="cy")) == []


def test_layers_that_hide_others_are_told() -> None:
    (told,) = checked(rotation(layer(id="office", during="office"), layer()))
    assert "has layer office over layer main in 9 stretches of the next 60 days" in told


def test_versions_follow_each_other_and_what_changes_nothing_is_no_new_term() -> None:
    versions = [Policies()]
    for number, members in enumerate([["ada", "ben", "cy"], ["ada", "ben", "cy"], ["cy", "ben", "ada"]], start=1):
        since = NOW + timedelta(days=number)
        made = to_policies(number, since, part(rotation(layer(members=members))), public_holidays)
        versions.append(made.following(versions[-1]))
    duty = duty_of(PolicyHistory(tuple(versions)), "desk")
    assert [term.since for term in duty.terms[1:]] == [NOW + timedelta(days=1), NOW + timedelta(days=3)]
    edit = duty.terms[-1].since
    assert duty.who(edit).agent == duty.who(edit - timedelta(seconds=1)).agent
    assert duty.who(NOW).agent is None
