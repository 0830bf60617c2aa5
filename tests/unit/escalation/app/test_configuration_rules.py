"""What a configuration has to keep to, and where it says that it does not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from services.escalation.app.configuration import EscalationPart
from services.escalation.app.configuration_rules import check
from services.escalation.app.policies import to_policies
from services.escalation.domain.promise import Promise
from services.escalation.domain.sla_policy import Policies
from shared.errors import InvalidInput
from shared.public_holidays import public_holidays
from shared.vocabulary import Agreement, SlaMetric
from tests.unit.escalation.builders import terms

NOW = datetime(2026, 6, 1, tzinfo=UTC)
OFFICE = {"id": "office", "time_zone": "Europe/Berlin", "weekly": {"mon": ["09:00-17:00"]}}
FEEDS = [{"url": f"https://feeds.example/{number}.ics"} for number in range(10)]
ZONES = ("UTC", "Europe/Berlin", "Europe/Paris", "Europe/Rome", "Europe/Madrid", "Europe/Vienna")
PAST = {"date": "2025-01-01", "hours": ["09:00-10:00"]}
RAISE = {"raise_priority": {"by": 1}}
CHAIN = {"id": "chain", "steps": [RAISE]}


def checked(**part: Any) -> list[str]:
    return check(EscalationPart.model_validate(part), NOW, public_holidays)


def pointers(**part: Any) -> list[str]:
    with pytest.raises(InvalidInput) as refused:
        checked(**part)
    return [pointer for pointer, _ in refused.value.problems]


def policy(*targets: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"id": "standard", "targets": list(targets), **fields}


def target(**fields: Any) -> dict[str, Any]:
    return {"metric": "first_reply", "within": "1h", **fields}


def chain(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"escalation_policies": [{"id": "c", "steps": list(steps)}]}


def compiled(**part: Any) -> Policies:
    return to_policies(1, NOW, EscalationPart.model_validate(part), public_holidays)


def test_nothing_at_all_is_fine() -> None:
    assert checked() == []


@pytest.mark.parametrize(
    ("part", "pointer"),
    [
        ({"calendars": [OFFICE, OFFICE]}, "/calendars/1/id"),
        ({"calendars": [{**OFFICE, "time_zone": "Europe/Atlantis"}]}, "/calendars/0"),
        ({"calendars": [{**OFFICE, "time_zone": "../../etc/passwd"}]}, "/calendars/0"),
        ({"calendars": [{**OFFICE, "weekly": {"mon": ["25:00-26:00"]}}]}, "/calendars/0"),
        ({"calendars": [{**OFFICE, "holidays": {"country": "XX"}}]}, "/calendars/0"),
        ({"calendars": [{**OFFICE, "holidays": {"country": "DE", "subdivision": "XX"}}]}, "/calendars/0"),
        ({"calendars": [{**OFFICE, "ical": [{"text": "nonsense"}]}]}, "/calendars/0"),
        ({"calendars": [{"id": "never", "time_zone": "UTC"}]}, "/calendars/0"),
        ({"calendars": [{"id": "past", "time_zone": "UTC", "openings": [PAST]}]}, "/calendars/0"),
        ({"calendars": [{**OFFICE, "feeds": FEEDS, "id": f"c{n}", "time_zone": zone}
                        for n, zone in enumerate(ZONES)]}, "/calendars"),
        ({"sla_policies": [policy(when="ticket.colour == 'red'")]}, "/sla_policies/0/when"),
        ({"sla_policies": [policy(calendar="office")]}, "/sla_policies/0/calendar"),
        ({"calendars": [{**OFFICE, "id": "always"}]}, "/calendars/0/id"),
        ({"sla_policies": [policy(target(calendar="office"))]}, "/sla_policies/0/targets/0/calendar"),
        (
            {"sla_policies": [policy(calendar_rules=[{"calendar": "office", "queue": "q"}])]},
            "/sla_policies/0/calendar_rules/0/calendar",
        ),
        (
            {"calendars": [OFFICE], "sla_policies": [policy(calendar_rules=[{"calendar": "office"}])]},
            "/sla_policies/0/calendar_rules/0",
        ),
        (
            {"sla_policies": [policy(*[target(priority=["low"], customer_tier=["vip"])] * 2)]},
            "/sla_policies/0/targets/1",
        ),
        ({"sla_policies": [policy(target(within="14s"))]}, "/sla_policies/0/targets/0/within"),
        ({"sla_policies": [policy(target(within="367d"))]}, "/sla_policies/0/targets/0/within"),
        ({"sla_policies": [policy(target(escalation="chain"))]}, "/sla_policies/0/targets/0/escalation"),
        ({"sla_policies": [policy(target(), target(priority=["low"]))]}, "/sla_policies/0/targets/1"),
        (
            {"sla_policies": [policy(target(warn_at_percent=[50, 50]))]},
            "/sla_policies/0/targets/0/warn_at_percent",
        ),
        ({"sla_policies": [policy(), policy()]}, "/sla_policies/1/id"),
        ({"escalation_policies": [CHAIN, CHAIN]}, "/escalation_policies/1/id"),
        (chain({"wait": "1h"}), "/escalation_policies/0/steps"),
        (chain({"wait": "31d"}, RAISE), "/escalation_policies/0/steps/0/wait"),
        (chain({"requeue": {}}), "/escalation_policies/0/steps/0/requeue"),
        (chain({"notify": {}}), "/escalation_policies/0/steps/0/notify"),
        (chain({"notify": {"webhooks": ["w"]}}), "/escalation_policies/0/steps/0/notify/webhooks"),
        ({"contacts": [{"agent": "a", "email": "a@b.c"}] * 2}, "/contacts/1/id"),
        (
            {"webhooks": [{"id": "w", "url": "https://x.org", "secret": "whsec_" + "A" * 33}]},
            "/webhooks/0/secret",
        ),
        *[
            ({"webhooks": [{"id": "w", "url": "https://x.org", "secret": secret}]}, "/webhooks/0/secret")
            for secret in ("hunter2!", "A" * 32, "whsec_" + "A" * 28, "whsec_" + "A" * 88)
        ],
    ],
)  # fmt: skip
def test_a_broken_rule_is_named_where_it_stands(part: dict[str, Any], pointer: str) -> None:
    assert pointers(**part) == [pointer]


@pytest.mark.parametrize("move", [{"queue": "q"}, {"tier": 2}, {"agent": "ann"}, {"widen": True}])
def test_work_may_be_moved_handed_over_or_held_out_to_more_agents(move: dict[str, Any]) -> None:
    assert checked(**chain({"requeue": move})) == []


def test_many_calendars_may_follow_the_same_feeds() -> None:
    assert checked(calendars=[{**OFFICE, "id": f"c{n}", "feeds": FEEDS} for n in range(20)]) == []


def test_every_broken_rule_is_named_at_once() -> None:
    assert len(pointers(calendars=[OFFICE, OFFICE], sla_policies=[policy(target(within="1s"), calendar="x")])) == 3


def test_a_policy_behind_one_that_always_holds_is_warned_of() -> None:
    (warning,) = checked(sla_policies=[policy(), {"id": "gold", "when": "customer.tier == 'gold'"}])
    assert warning == (
        "/sla_policies/0/when: SLA policy standard always holds, so that nothing after it ever decides:"
        " move the SLA policy to the end or narrow it"
    )


def test_policies_that_never_decide_are_warned_of_and_nothing_else() -> None:
    urgent, typo = "ticket.priority in ['urgent', 'high']", "ticket.priority == 'hgih'"
    conditions = [urgent, "ticket.priority == 'high' && customer.tier == 'gold'", typo, "customer.tier == 'gold'"]
    warnings = checked(
        sla_policies=[{"id": f"p{index}", "when": condition} for index, condition in enumerate(conditions)]
    )
    assert [warning.partition(": ")[0] for warning in warnings] == [
        "/sla_policies/2/when",
        "/sla_policies/1/when",
        "/sla_policies/2/when",
    ]
    assert 'did you mean "high"?' in warnings[0]
    assert "whenever it holds, SLA policy p0 before it holds too" in warnings[1]


def test_the_first_policy_that_holds_decides() -> None:
    policies = compiled(
        sla_policies=[
            {
                "id": "gold",
                "when": "customer.tier == 'gold' && channel.kind == 'api'",
                "targets": [target(within="15m")],
            },
            policy(target(priority=["urgent", "high"])),
        ]
    )
    assert policies.match(terms(customer_tier="gold")) == {Agreement.SLA: "gold"}
    assert policies.match(terms()) == {Agreement.SLA: "standard"}
    assert promised(policies, SlaMetric.FIRST_REPLY) is None
    assert promised(policies, SlaMetric.NEXT_REPLY, priority="high") is None
    promise = promised(policies, SlaMetric.FIRST_REPLY, priority="high")
    assert promise is not None
    assert (promise.warn_at, promise.calendar_id) == ((75,), None)


def promised(policies: Policies, metric: SlaMetric, queue: str | None = None, **over: object) -> Promise | None:
    """What the policy `standard` promises."""
    return policies.promises("standard", Agreement.SLA, terms(queue, None, **over)).get(metric)


def test_each_agreement_has_a_policy_of_its_own() -> None:
    policies = compiled(
        sla_policies=[
            {"id": "night-team", "agreement": "ola", "when": "ticket.queue == 'nights'", "targets": [target()]},
            policy(target()),
            {"id": "tier-2", "agreement": "ola", "when": "ticket.support_tier >= 2", "targets": [target()]},
        ]
    )
    assert policies.match(terms()) == {Agreement.SLA: "standard"}
    assert policies.match(terms("nights", 2)) == {Agreement.SLA: "standard", Agreement.OLA: "night-team"}
    assert policies.match(terms("days", 2)) == {Agreement.SLA: "standard", Agreement.OLA: "tier-2"}


def test_a_policy_of_one_agreement_hides_none_of_the_other() -> None:
    assert (
        checked(sla_policies=[policy(target()), {"id": "teams", "agreement": "ola", "targets": [target()]}]) == []
    )


def test_a_target_that_names_the_customers_tier_comes_first() -> None:
    policies = compiled(
        sla_policies=[
            policy(target(within="8h"), target(within="1h", customer_tier=["gold", "vip"])),
        ]
    )
    within = {
        tier: promised(policies, SlaMetric.FIRST_REPLY, customer_tier=tier) for tier in ("standard", "gold", "vip")
    }
    assert {tier: promise and promise.target / timedelta(hours=1) for tier, promise in within.items()} == {
        "standard": 8,
        "gold": 1,
        "vip": 1,
    }


def test_the_hours_of_an_organisation_a_queue_or_a_channel_count_before_the_policys() -> None:
    week = {"mon": ["09:00-17:00"]}
    ids = ("office", "acme", "acme-nights", "nights", "phone")
    policies = compiled(
        calendars=[{"id": name, "time_zone": "Europe/Berlin", "weekly": week} for name in ids],
        sla_policies=[
            policy(
                target(),
                target(metric="next_reply", calendar="always"),
                target(metric="total_resolution", calendar="nights"),
                calendar="office",
                calendar_rules=[
                    {"calendar": "acme-nights", "organisation": "acme", "queue": "nights"},
                    {"calendar": "acme", "organisation": "acme"},
                    {"calendar": "nights", "queue": "nights"},
                    {"calendar": "phone", "channel": "phone"},
                ],
            )
        ],
    )

    def hours(metric: SlaMetric = SlaMetric.FIRST_REPLY, queue: str | None = None, **over: object) -> str | None:
        promise = promised(policies, metric, queue, **over)
        assert promise is not None
        return promise.calendar_id

    assert hours() == "office"
    assert hours(organisation_id="acme") == "acme"
    assert hours(organisation_id="acme", queue="nights") == "acme-nights"
    assert hours(queue="nights") == "nights"
    assert hours(channel="phone") == "phone"
    assert hours(SlaMetric.NEXT_REPLY, organisation_id="acme") is None
    assert hours(SlaMetric.TOTAL_RESOLUTION, organisation_id="acme") == "nights"


def test_public_holidays_close_a_calendar() -> None:
    calendar = compiled(
        calendars=[
            {
                "id": "office",
                "time_zone": "Europe/Berlin",
                "weekly": {day: ["09:00-17:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
                "holidays": {"country": "DE", "subdivision": "BY"},
            }
        ]
    ).calendars["office"]
    epiphany = datetime(2026, 1, 6, tzinfo=UTC)
    assert calendar.elapsed(epiphany.replace(day=5), epiphany).total_seconds() == 8 * 3600
    assert calendar.elapsed(epiphany, epiphany.replace(day=7)).total_seconds() == 0


@pytest.mark.parametrize(
    "part",
    [
        {
            "escalation_policies": [
                {"id": "c", "steps": [{"notify": {"emails": [f"{n}@a.example" for n in range(101)]}}]}
            ]
        },
        {"calendars": [{**OFFICE, "id": f"c{n}"} for n in range(201)]},
        {"sla_policies": [policy(*[target()] * 101)]},
    ],
)
def test_nothing_in_a_configuration_is_without_a_bound(part: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="too_long"):
        EscalationPart.model_validate(part)


def test_what_a_condition_may_cost_is_asked_of_who_writes_it_and_not_of_what_is_stored() -> None:
    costly = "ticket.labels.all(a, ticket.labels.all(b, ticket.labels.all(c, true)))"
    part = {"sla_policies": [policy(target(), when=costly)]}
    assert pointers(**part) == ["/sla_policies/0/when"]
    assert [item.policy_id for item in compiled(**part).sla] == ["standard"]


def test_an_opening_in_an_hour_that_comes_twice_is_warned_of() -> None:
    split = {**OFFICE, "weekly": {"sun": ["02:30-06:00"]}}
    assert checked(calendars=[split]) == [
        "/calendars/0: on 2026-10-25 the clock shows 02:30 twice, when the calendar opens or closes:"
        " that day it does so twice"
    ]
    at_its_edges = {**OFFICE, "weekly": {"sun": ["02:00-03:00"]}}
    assert checked(calendars=[at_its_edges]) == []


def test_what_an_ical_document_closes_is_closed() -> None:
    text = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20260608\nSUMMARY:Outing\nEND:VEVENT\nEND:VCALENDAR"
    monday, day_after = datetime(2026, 6, 8, tzinfo=UTC), datetime(2026, 6, 9, tzinfo=UTC)

    def opens(**ical: Any) -> float:
        calendar = compiled(calendars=[{**OFFICE, "ical": [{"text": text, **ical}]}]).calendars["office"]
        return calendar.elapsed(monday, day_after).total_seconds()

    assert opens() == 0
    assert opens(leave_out=["outing"]) == 8 * 3600


@pytest.mark.parametrize("line", ["DTSTART;VALUE=TEXT:20260608", "DTSTART:20260608\nRRULE;VALUE=DATE:20260608"])
def test_an_ical_document_with_a_property_of_another_type_is_refused(line: str) -> None:
    text = f"BEGIN:VCALENDAR\nBEGIN:VEVENT\n{line}\nEND:VEVENT\nEND:VCALENDAR"
    assert pointers(calendars=[{**OFFICE, "ical": [{"text": text}]}]) == ["/calendars/0"]


def test_an_ical_document_closes_so_often_a_year_and_no_more() -> None:
    def closing(times: int, begins: int) -> dict[str, Any]:
        rule = f"RRULE:FREQ=DAILY;COUNT={times};BYHOUR={','.join(map(str, range(24)))}"
        event = f"BEGIN:VEVENT\nDTSTART:{begins}0101T000000Z\nDURATION:PT1S\n{rule}\nEND:VEVENT"
        return {"text": f"BEGIN:VCALENDAR\n{event}\nEND:VCALENDAR"}

    documents = [closing(5000, year) for year in range(2025, 2030)]
    assert checked(calendars=[{**OFFICE, "ical": documents}]) == []
    for year in (2025, 2029):
        with pytest.raises(InvalidInput) as refused:
            checked(calendars=[{**OFFICE, "ical": [documents[1], closing(5001, year)]}])
        assert refused.value.problems == (("/calendars/0", f"ical 2: closes more than 5000 times in {year}"),)
