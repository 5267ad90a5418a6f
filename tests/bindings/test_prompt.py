# SPDX-License-Identifier: MIT
"""A Python prompt over a socketpair."""

from __future__ import annotations

import builtins
import contextlib
import logging
import socket
import sys
import threading

import pytest
from spawning.backdoor.prompt import NotAPerson, Prompt
from spawning.backdoor.session_streams import _STAND_INS

PATIENCE = 20


class Talk:
    """A Prompt on a thread of its own, and its client."""

    def __init__(self, namespace):
        self.client, self.server = socket.socketpair()
        self.client.settimeout(PATIENCE)
        self.namespace = namespace
        self.prompt = Prompt(self.server, namespace)
        self.raised = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        try:
            self.prompt.run("hello\n")
        except BaseException as error:
            self.raised = error
        self.server.close()

    def send(self, text):
        self.client.sendall(text if isinstance(text, bytes) else text.encode())

    def until(self, end):
        """What comes up to and including `end`."""
        text = b""
        while not text.endswith(end.encode()):
            octets = self.client.recv(1)
            assert octets, f"the end, after {text!r}"
            text += octets
        return text.decode()

    def ask(self, text, end=">>> "):
        """What is answered to a line."""
        self.send(text + "\n")
        return self.until(end).removesuffix(end)

    def rest(self):
        return b"".join(iter(lambda: self.client.recv(4096), b"")).decode()

    def end(self):
        with contextlib.suppress(OSError):
            self.client.shutdown(socket.SHUT_RDWR)
        self.prompt.hang_up()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()
        self.client.close()


@pytest.fixture
def talk():
    talks = []

    def talk(**namespace):
        talks.append(Talk({"__name__": "__backdoor__", **namespace}))
        assert talks[-1].until(">>> ") == "hello\n>>> "
        return talks[-1]

    yield talk
    for each in talks:
        each.end()


def test_expressions_are_shown_and_statements_run(talk):
    person = talk(shelf=["a"])

    assert person.ask("shelf") == "['a']\n"
    assert person.ask("shelf.append('b')") == ""
    assert person.ask("x = len(shelf) * 21") == ""
    assert person.ask("x") == "42\n"
    assert person.namespace["x"] == 42
    assert person.ask("_ + 1") == "43\n"
    assert not hasattr(builtins, "_")


def test_a_block_ends_with_an_empty_line(talk):
    person = talk()

    assert person.ask("def twice(n):", "... ") == ""
    assert person.ask("    return 2 * n", "... ") == ""
    assert person.ask("") == ""
    assert person.ask("twice(21)") == "42\n"


def test_print_comes_here_and_that_of_other_threads_does_not(talk, capsys):
    person = talk()
    go, done = threading.Event(), threading.Event()

    def bystander():
        go.wait(PATIENCE)
        print("of a bystander")
        sys.stderr.write("and its trouble\n")
        done.set()

    threading.Thread(target=bystander).start()
    person.namespace.update(go=go, done=done)

    answer = person.ask(
        "go.set(); done.wait(60); print('mine'); print('too', file=__import__('sys').stderr)"
    )

    assert answer == "True\nmine\ntoo\n"
    captured = capsys.readouterr()
    assert captured.out == "of a bystander\n"
    assert captured.err == "and its trouble\n"


def test_what_stood_in_sys_stands_there_again(talk):
    before = {name: getattr(sys, name) for name in _STAND_INS}
    person = talk()

    assert person.ask("import sys; print(type(sys.stdout).__name__)") == "_Stream\n"

    person.end()
    assert {name: getattr(sys, name) for name in _STAND_INS} == before
    assert not hasattr(sys, "ps1")


def test_who_has_kept_a_stand_in_goes_on_with_what_stands_behind_it(talk, capsys):
    person = talk(logging=logging)
    person.ask("import sys; handler = logging.StreamHandler(sys.stderr)")

    person.namespace["handler"].stream.write("later\n")

    assert capsys.readouterr().err == "later\n"


def test_a_process_without_standard_output_has_none_afterwards(talk, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    person = talk()
    helper = (
        "import threading; t = threading.Thread(target=print, args=('x',)); t.start(); t.join()"
    )

    assert person.ask("print(1)") == "1\n"
    assert person.ask(helper) == ""
    assert sys.stdout is None


def test_exceptions_are_shown_and_nothing_ends(talk):
    person = talk()

    shown = person.ask("1 / 0")
    assert shown == (
        "Traceback (most recent call last):\n"
        '  File "<backdoor>", line 1, in <module>\n'
        "ZeroDivisionError: division by zero\n"
    )
    assert "SyntaxError: " in person.ask("1 +* 2")
    assert "GeneratorExit" in person.ask("raise GeneratorExit")
    assert (
        "in broken"
        in (
            person.ask("def broken(): raise KeyError('k')", "... "),
            person.ask(""),
            person.ask("broken()"),
        )[2]
    )
    assert person.ask("class Odd:", "... ") == ""
    assert person.ask("    def __repr__(self): raise ValueError('no')", "... ") == ""
    person.ask("")
    assert "ValueError: no" in person.ask("Odd()")
    assert person.ask("1") == "1\n"
    assert not hasattr(sys, "last_traceback")


def test_an_excepthook_of_the_application_is_left_alone(talk, monkeypatch):
    seen = []
    monkeypatch.setattr(sys, "excepthook", lambda *error: seen.append(error))
    person = talk()

    assert "ZeroDivisionError" in person.ask("1 / 0")
    assert seen == []


@pytest.mark.parametrize("how", ["exit()\n", "quit()\n", "raise SystemExit\n", "\x04"])
def test_who_leaves_ends_nobody_else(talk, how):
    person, other = talk(), talk()

    person.send(how)

    assert person.rest() in ("", "\n")
    person.thread.join(PATIENCE)
    assert person.raised is None
    assert other.ask("1") == "1\n"


def test_a_script_may_be_piped_in(talk):
    person = talk()

    person.send("for i in range(3):\n  print(i)\n\nprint('last')")
    person.client.shutdown(socket.SHUT_WR)

    assert person.rest() == "... ... 0\n1\n2\n>>> last\n>>> \n"


def test_two_people_do_not_hear_each_other(talk):
    one, two = talk(), talk()

    one.ask("x = 'one'")
    assert "NameError" in two.ask("x")
    one.send("import time\nwhile True: time.sleep(0.01)\n\n")
    assert two.ask("print('two')") == "two\n"


def test_ctrl_c_interrupts_what_runs(talk):
    running = threading.Event()
    person = talk(running=running)
    person.send("while True: running.set()\n\n")
    running.wait(PATIENCE)

    person.send("\x03")

    assert "KeyboardInterrupt" in person.until(">>> ").replace("... ", "")
    assert person.ask("1") == "1\n"


def test_ctrl_c_forgets_a_block_that_has_begun(talk):
    person = talk()
    person.ask("def f():", "... ")

    person.send("\x03")

    assert person.until(">>> ") == "\nKeyboardInterrupt\n>>> "
    assert person.ask("1") == "1\n"


def test_input_and_help_work(talk):
    person = talk()

    assert person.ask("name = input('who? ')", "who? ") == ""
    assert person.ask("me") == ""
    assert person.ask("name") == "'me'\n"
    assert "Return the number of items in a container" in person.ask("help(len)")


def test_standard_input_is_a_file(talk):
    person = talk()

    person.send(
        "import sys; sys.stdin.readline(2), sys.stdin.readline(), next(sys.stdin)\nabcd\nnext\n"
    )
    assert person.until(">>> ") == "('ab', 'cd\\n', 'next\\n')\n>>> "
    assert "TypeError" in person.ask("sys.stdout.write(b'x')")
    assert person.ask("sys.stdout.isatty(), sys.stdout.encoding") == "(False, 'utf-8')\n"


def test_what_cannot_be_encoded_is_escaped(talk):
    person = talk()

    assert person.ask("print('\u20ac \\udc80')") == "\u20ac \\udc80\n"


def test_telnet_gets_its_line_ends(talk):
    person = talk()
    person.send(b"\xff\xf1")

    person.send("print('a\\nb')\r\n")

    assert person.until(">>> ") == "a\r\nb\r\n>>> "


def test_a_browser_is_hung_up_on(talk):
    person = talk()

    person.send("POST / HTTP/1.1\r\nHost: localhost:3000\r\n\r\nopen('/tmp/x', 'w')\n")

    person.thread.join(PATIENCE)
    assert isinstance(person.raised, NotAPerson)


def test_code_that_does_not_end_is_ended_by_who_hangs_up(talk):
    running = threading.Event()
    person = talk(running=running)
    person.send("while True: running.set()\n\n")
    running.wait(PATIENCE)

    person.prompt.hang_up()

    person.thread.join(PATIENCE)
    assert not person.thread.is_alive()
    assert person.raised is None


def test_code_that_prints_ends_with_its_client(talk):
    person = talk()
    person.send("while True: print('x' * 10000)\n\n")
    person.until("xxx")

    person.client.close()

    person.thread.join(PATIENCE)
    assert not person.thread.is_alive()
    assert person.raised is None
