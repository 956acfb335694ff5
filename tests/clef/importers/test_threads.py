"""Work in threads: in order, and when it is left early the rest is not begun."""

import time

from clef.importers.threads import in_threads


def test_results_come_in_order():
    assert list(in_threads(lambda n: n * n, range(50), 4)) == [n * n for n in range(50)]


def test_what_was_not_begun_when_it_was_left_is_not_begun():
    begun = []

    def work(n: int) -> int:
        begun.append(n)
        time.sleep(0.01)
        return n

    results = in_threads(work, range(10_000), 2)
    assert next(results) == 0
    results.close()
    time.sleep(0.1)
    assert len(begun) < 100
