"""A histogram's percentiles are within 5 % of the exact ones, however many are added up (ADM-3)."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from messaging.figures.sheet import Sheet
from messaging.figures.spread import LONGEST_MS, Spread, bucket_of, middle_of

TIMES = st.lists(st.integers(0, 40 * 24 * 3600 * 1000), min_size=1, max_size=60)


def spread_of(times: list[int]) -> Spread:
    made = Spread()
    for took in times:
        made.add(took)
    return made


@given(TIMES, st.sampled_from([0.1, 0.5, 0.9, 0.99, 1.0]))
def test_a_percentile_is_within_five_percent(times: list[int], share: float) -> None:
    exact = sorted(times)[max(1, math.ceil(share * len(times))) - 1]
    found = spread_of(times).percentile_ms(share)
    assert found is not None
    assert abs(found - exact) <= 0.05 * exact


@given(TIMES, TIMES)
def test_parts_add_up_in_any_order_and_come_back_from_storage(some: list[int], others: list[int]) -> None:
    whole = spread_of(some + others)
    for first, second in ((some, others), (others, some)):
        added = spread_of(first)
        added.merge(Spread.from_json(json.loads(json.dumps(spread_of(second).to_json()))))
        assert added == whole


@given(st.integers(1, LONGEST_MS))
def test_a_bucket_is_near_all_that_is_in_it(took: int) -> None:
    assert abs(middle_of(bucket_of(took)) - took) <= 0.05 * took


def test_nothing_has_no_percentile() -> None:
    assert (Spread().percentile_ms(0.5), Spread().mean_ms, spread_of([0]).percentile_ms(0.5)) == (None, None, 0.0)
    assert spread_of([-5, 10**18]).longest_ms == LONGEST_MS


def test_sheets_without_a_count_are_stored_without_it() -> None:
    sheet = Sheet()
    sheet.counts["rated_4"] += 1
    sheet.merge(Sheet.from_json({"counts": {"rated_4": -1}}))
    assert sheet.to_json() == {"counts": {}, "spreads": {}}
