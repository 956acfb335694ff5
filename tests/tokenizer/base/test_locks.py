"""A lock on a folder lets one in after the other, and Ctrl-C waits for what must be written together."""

import os
import signal
import threading

import pytest

from tokenizer.base.locks import no_interrupt, wait_for_folder


def test_one_after_the_other(tmp_path, caplog):
    caplog.set_level("INFO")
    order, held = [], threading.Event()

    def second() -> None:
        held.wait()
        with wait_for_folder(tmp_path, "somebody is in it"):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with wait_for_folder(tmp_path, "nobody is in it"):
        held.set()
        while "somebody is in it" not in caplog.text:
            pass
        order.append("first")
        (tmp_path / "file").touch()
    thread.join()
    assert order == ["first", "second"] and "nobody" not in caplog.text


def test_a_folder_that_stayed_empty_is_gone_and_who_waited_gets_a_new_one(tmp_path, caplog):
    caplog.set_level("INFO")
    folder, held, seen = tmp_path / "new", threading.Event(), []

    def second() -> None:
        held.wait()
        with wait_for_folder(folder, "somebody is in it"):
            seen.append(folder.is_dir())
            (folder / "file").touch()

    thread = threading.Thread(target=second)
    thread.start()
    with wait_for_folder(folder, "nobody is in it"):
        held.set()
        while "somebody is in it" not in caplog.text:
            pass
    thread.join()
    assert seen == [True] and (folder / "file").is_file()
    with wait_for_folder(tmp_path / "other", "nobody is in it"):
        pass
    assert not (tmp_path / "other").exists()


def test_ctrl_c_comes_after_the_block():
    done, before = [], signal.getsignal(signal.SIGINT)  # ignored where the tests run in the background of a shell
    with pytest.raises(KeyboardInterrupt), no_interrupt():
        os.kill(os.getpid(), signal.SIGINT)
        done.append("written")
    assert done == ["written"] and signal.getsignal(signal.SIGINT) == before
