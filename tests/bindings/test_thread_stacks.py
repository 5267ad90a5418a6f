# SPDX-License-Identifier: MIT
"""The stacks of threads that take too long."""

import ctypes
import faulthandler
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from spawning import _native_testing as native

SIGNAL = signal.SIGRTMIN + 11
libc = ctypes.CDLL(None, use_errno=True)
libc_with_the_gil = ctypes.PyDLL(None, use_errno=True)


@pytest.fixture
def stacks():
    return native.Stacks()


class Thread:
    """A thread that is in some function, which says that it has begun, when the test looks."""

    def __init__(self, stacks, function):
        self.begun = threading.Event()
        self.end = threading.Event()
        self.thread = threading.Thread(target=stacks.show_while, args=(lambda: function(self),))
        self.thread.start()
        assert self.begun.wait(30)

    def finish(self):
        self.end.set()
        self.thread.join()


def logged(stacks, text):
    deadline = time.monotonic() + 30
    while text not in stacks.log and time.monotonic() < deadline:
        time.sleep(0.001)  # between two looks
    return stacks.log


def wait_here(thread):
    thread.begun.set()
    thread.end.wait()


def sleep_in_c(thread):
    thread.begun.set()
    while not thread.end.is_set():
        libc.usleep(1000)


def test_a_thread_that_waits(stacks):
    thread = Thread(stacks, wait_here)
    stacks.report(thread.thread.ident, "stack of the thread that answers GET /x of 192.0.2.7")

    log = logged(stacks, "in wait_here")
    thread.finish()

    assert "[warning] worker: stack of the thread that answers GET /x of 192.0.2.7" in log
    assert "test_thread_stacks.py" in log
    assert log.count("(most recent call first)") == 1


def test_a_thread_in_native_code(stacks):
    thread = Thread(stacks, sleep_in_c)
    stacks.report(thread.thread.ident, "native")

    log = logged(stacks, "in sleep_in_c")
    thread.finish()

    assert "in sleep_in_c" in log


def test_a_thread_that_keeps_the_gil(stacks):
    """The report is made while nobody else can run Python code."""

    def keep_the_gil(thread):
        thread.begun.set()
        stacks.report(threading.get_ident(), "keeps the GIL")
        libc_with_the_gil.usleep(999_999)  # which the signal ends, unless it comes sooner

    thread = Thread(stacks, keep_the_gil)
    log = logged(stacks, "in keep_the_gil")
    thread.finish()

    assert "in keep_the_gil" in log


def test_several_at_a_time_each_under_its_own_title(stacks):
    def one(thread):
        thread.begun.set()
        thread.end.wait()

    def two(thread):
        thread.begun.set()
        thread.end.wait()

    threads = {"title of one": Thread(stacks, one), "title of two": Thread(stacks, two)}
    for title, thread in threads.items():
        stacks.report(thread.thread.ident, title)
    logged(stacks, "in two")
    for thread in threads.values():
        thread.finish()

    first, second = stacks.log.split("title of two")
    assert "in one" in first
    assert "in two" not in first
    assert "in two" in second
    assert "in one" not in second


def test_a_thread_that_is_not_shown_is_left_alone(stacks):
    thread = Thread(stacks, wait_here)
    stacks.report(threading.main_thread().ident, "not mine")
    stacks.report(thread.thread.ident, "mine")

    log = logged(stacks, "in wait_here")
    thread.finish()
    gone = thread.thread.ident
    stacks.report(gone, "gone")

    assert "not mine" not in log
    assert "gone" not in stacks.log


def test_all_threads_whatever_they_do(stacks):
    threads = [Thread(stacks, wait_here), Thread(stacks, sleep_in_c)]
    silent = threading.Thread(target=threads[0].end.wait)  # not shown
    silent.start()

    stacks.report_all("stacks of all threads:")
    stacks.report_all("again:")

    for thread in threads:
        thread.finish()
    silent.join()
    first, second = stacks.log.split("again:")
    assert "[error] worker: stacks of all threads:" in first
    for part in (first, second):
        for function in ("wait_here", "sleep_in_c", "test_all_threads_whatever_they_do"):
            assert part.count(f"in {function}\n") == 1
        assert part.count("(most recent call first)") >= len(threads) + 2  # other tests have some


def test_threads_that_do_not_answer_leave_time_for_the_others(stacks):
    def deaf(thread):
        signal.pthread_sigmask(signal.SIG_BLOCK, {SIGNAL})
        wait_here(thread)

    threads = [Thread(stacks, function) for function in (deaf, wait_here, deaf, sleep_in_c)]
    began = time.monotonic()

    stacks.report_shown("stacks of the shown ones:")

    took = time.monotonic() - began
    for thread in threads:
        thread.finish()
    assert "[error] worker: stacks of the shown ones:" in stacks.log
    assert stacks.log.count("it does not say") == 2
    for function in ("wait_here", "sleep_in_c"):
        assert stacks.log.count(f"in {function}\n") == 1
    assert took < 2


def test_a_thread_and_all_threads_do_not_disturb_each_other(stacks):
    thread = Thread(stacks, wait_here)
    stacks.report_all("all of them")
    stacks.report(thread.thread.ident, "this one")

    log = logged(stacks, "this one")
    thread.finish()

    assert log.split("this one")[1].count("(most recent call first)") == 1


@pytest.mark.parametrize("number", [SIGNAL, SIGNAL + 1])
def test_the_signals_do_no_harm_by_themselves(stacks, number):
    os.kill(os.getpid(), number)
    thread = Thread(stacks, wait_here)
    stacks.report(thread.thread.ident, "after it")

    log = logged(stacks, "in wait_here")
    thread.finish()

    assert "in wait_here" in log


def test_programs_that_the_application_starts_do_not_inherit_it(stacks):
    code = f"import signal; print(signal.getsignal({SIGNAL}) == signal.SIG_DFL)"

    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "True\n"
    fds = subprocess.check_output(["ls", "-l", "/proc/self/fd"], close_fds=False, text=True)
    assert "spawning-stack" not in fds


def test_at_the_end_the_signal_is_as_before():
    stacks = native.Stacks()
    del stacks

    assert not faulthandler.unregister(SIGNAL)
    assert not faulthandler.unregister(SIGNAL + 1)
