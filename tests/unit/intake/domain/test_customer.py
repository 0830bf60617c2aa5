import pytest

from services.intake.domain.customer import erase, merge
from shared.errors import IllegalTransition
from tests.unit.intake.builders import NOW, a_customer, an_id


def test_the_survivor_keeps_what_is_known_and_learns_what_was_not() -> None:
    source = a_customer(customer_id=an_id(1), name="A. Lovelace", language="en", tier="gold", do_not_contact=True)
    target = a_customer(customer_id=an_id(2), name="Ada", language=None, organisation_id="globex")
    gone, kept = merge(source, target)
    assert (kept.name, kept.language, kept.tier, kept.organisation_id) == ("Ada", "en", "standard", "globex")
    assert (kept.customer_id, kept.do_not_contact, kept.version) == (an_id(2), True, 2)
    assert (gone.merged_into, gone.name, gone.language) == (an_id(2), None, None)


@pytest.mark.parametrize(("own", "kept"), [("standard", "gold"), ("silver", "silver")])
def test_who_learns_their_organisation_gets_its_tier_unless_they_have_one(own: str, kept: str) -> None:
    source = a_customer(customer_id=an_id(1), tier="gold", organisation_id="globex")
    _, survivor = merge(source, a_customer(customer_id=an_id(2), tier=own))
    assert (survivor.organisation_id, survivor.tier) == ("globex", kept)


def test_nobody_is_merged_into_themselves_twice_or_after_they_were_erased() -> None:
    ada, grace = a_customer(customer_id=an_id(1)), a_customer(customer_id=an_id(2))
    gone, _ = merge(ada, grace)
    for source, target in ((ada, ada), (gone, grace), (grace, gone), (ada, erase(grace, NOW))):
        with pytest.raises(IllegalTransition):
            merge(source, target)
    with pytest.raises(IllegalTransition):
        erase(gone, NOW)


def test_an_erased_customer_keeps_what_numbers_are_made_of() -> None:
    before = a_customer(
        name="Ada", language="de", time_zone="Europe/Berlin", tier="gold", organisation_id="globex"
    )
    after = erase(before, NOW)
    assert (after.name, after.language, after.time_zone, after.erased_at) == (None, None, None, NOW)
    assert (after.customer_id, after.tier, after.organisation_id) == (before.customer_id, "gold", "globex")
