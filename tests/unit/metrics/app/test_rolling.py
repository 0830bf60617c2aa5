"""Windows that roll."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.metrics.app.rolling import Rolling
from services.metrics.domain.fact import WHOLE, Fact, FactKind
from services.metrics.domain.rollup import Series
from tests.unit.metrics.app.builders import NOW, a_fact

SPAN = timedelta(minutes=5)
REPLIES = Series(WHOLE, FactKind.FIRST_REPLIED, "")


def test_a_fact_leaves_when_it_is_older_than_the_window_and_not_before() -> None:
    rolling = Rolling(SPAN, NOW)
    rolling.put(a_fact("t", age=timedelta()))
    assert rolling.next_change_at() == NOW + SPAN
    assert rolling.advance(NOW + SPAN) == []
    assert [fact.ended_at for fact in rolling.advance(NOW + SPAN + timedelta(microseconds=1))] == [NOW]
    assert rolling.sample(REPLIES) is None


def test_a_corrected_fact_counts_once_and_where_it_belongs_now() -> None:
    rolling = Rolling(SPAN, NOW)
    before = a_fact("t", seconds=60)
    rolling.put(before)
    rolling.put(replace(before, value=90_000_000, ended_at=NOW))
    sample = rolling.sample(REPLIES)
    assert sample is not None
    assert (sample.count, sample.total, sample.minimum, sample.maximum) == (1, 90_000_000, 90_000_000, 90_000_000)
    assert rolling.advance(before.ended_at + SPAN + timedelta(seconds=1)) == []


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 9), st.integers(-60, 600), st.integers(0, 100)),
        st.tuples(st.just("drop"), st.integers(0, 9), st.just(0), st.just(0)),
        st.tuples(st.just("advance"), st.just(0), st.integers(0, 200), st.just(0)),
    ),
    max_size=60,
)


@given(STEPS)
def test_it_holds_what_a_plain_search_would_find(steps: list[tuple[str, int, int, int]]) -> None:
    rolling, now = Rolling(SPAN, NOW), NOW
    model: dict[int, Fact] = {}
    for what, number, moment, seconds in steps:
        if what == "put":
            fact = a_fact(str(number), age=timedelta(seconds=moment) - (now - NOW), seconds=seconds)
            rolling.put(fact)
            model[number] = fact
        elif what == "drop":
            dropped = model.pop(number, None)
            if dropped is not None:
                rolling.drop(dropped.fact_id)
        else:
            now += timedelta(seconds=moment)
            rolling.advance(now)
        model = {key: fact for key, fact in model.items() if fact.ended_at >= now - SPAN}
        sample = rolling.sample(REPLIES)
        assert (sample.values if sample else []) == sorted(fact.value for fact in model.values())
        assert (sample.total if sample else 0) == sum(fact.value for fact in model.values())
