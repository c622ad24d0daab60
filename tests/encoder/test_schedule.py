"""Steps and seconds."""

import pytest

from huaxiang.encoder.schedule import Schedule


def test_without_shortage_the_plan_is_kept() -> None:
    schedule = Schedule(10, seconds=1e6)
    while not schedule.done:
        schedule.advance()
    assert (schedule.step, schedule.cut) == (10, False)


def test_no_seconds_no_steps() -> None:
    schedule = Schedule(10, seconds=0)
    assert schedule.done
    assert schedule.cut


def test_the_plan_shrinks_to_what_the_time_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("huaxiang.encoder.schedule.time.monotonic", lambda: now[0])
    schedule = Schedule(100, seconds=10)
    for _ in range(4):  # one second each: six of ten are left, enough for six more
        now[0] += 1.0
        schedule.advance()
    assert schedule.planned == 10


def test_what_is_done_off_the_clock_costs_no_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("huaxiang.encoder.schedule.time.monotonic", lambda: now[0])
    schedule = Schedule(100, seconds=10)
    schedule.without(lambda: now.__setitem__(0, now[0] + 50.0))
    for _ in range(4):
        now[0] += 1.0
        schedule.advance()
    assert schedule.planned == 10


def test_the_rate_rises_and_then_falls_to_nothing() -> None:
    schedule = Schedule(20, seconds=1e6)
    factors = []
    while not schedule.done:
        factors.append(schedule.factor())
        schedule.advance()
    assert factors[0] == pytest.approx(0.5)  # the second of two warm-up steps would be whole
    assert factors[1:] == sorted(factors[1:], reverse=True)
    assert factors[-1] < 0.01
