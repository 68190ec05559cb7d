"""The limit on the requests of each client."""

from dae.ui.room.phones.limits import RateLimiter


def test_each_client_has_a_burst_of_requests_that_refills_over_time() -> None:
    now = [0.0]
    limiter = RateLimiter(2.0, 3, lambda: now[0])
    assert [limiter.allows("a") for _ in range(4)] == [True, True, True, False]
    assert limiter.allows("b")
    now[0] = 0.5
    assert [limiter.allows("a") for _ in range(2)] == [True, False]
    now[0] = 60.0
    assert [limiter.allows("a") for _ in range(4)] == [True, True, True, False]
