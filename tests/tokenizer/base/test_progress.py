"""Progress: items pass through unchanged, waits are timed, and programs are quiet off a terminal."""

import logging
import time

from tests.helpers import on_two
from tokenizer.base.progress import set_up_logging, timed, track


def slow_items():
    for item in "ab":
        time.sleep(0.05)
        yield item


def test_a_wait_is_that_for_the_item_and_not_the_work_on_it():
    waits, begin = [], time.perf_counter()
    for wait, _ in timed(slow_items()):
        waits.append(wait)
        time.sleep(0.3)
    assert len(waits) == 2 and min(waits) >= 0.05
    assert sum(waits) <= time.perf_counter() - begin - 2 * 0.3


def test_items_pass_in_order_and_nothing_is_drawn_off_a_terminal(capsys):
    assert list(track(range(5), "label", total=5)) == [0, 1, 2, 3, 4]
    assert capsys.readouterr() == ("", "")


def levels_of_two() -> None:
    from tokenizer.base import ranks

    set_up_logging(ranks.RANK)
    assert logging.getLogger().level == (logging.INFO, logging.WARNING)[ranks.RANK]
    assert logging.getLogger("mne").level == logging.ERROR


def test_of_several_processes_one_speaks():
    on_two(levels_of_two)
