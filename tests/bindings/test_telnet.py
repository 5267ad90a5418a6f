# SPDX-License-Identifier: MIT
"""Octets of `nc` and `telnet` become lines."""

from __future__ import annotations

import pytest
from spawning.backdoor.telnet import End, Interrupt, TelnetReader

IAC, DONT, DO, WONT, WILL, SB, SE = (
    bytes([octet]) for octet in (255, 254, 253, 252, 251, 250, 240)
)


def named(events):
    return [each if isinstance(each, str) else type(each) for each in events]


def read(octets):
    """What the octets mean, whole and one by one: that is the same."""
    whole, single = TelnetReader(), TelnetReader()
    events = named(whole.feed(octets))
    assert named(event for octet in octets for event in single.feed(bytes([octet]))) == events
    replies = whole.take_replies()
    assert single.take_replies() == replies
    assert whole.take_replies() == b""
    return events, replies


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r\0", b"\r"])
def test_lines_may_end_as_they_do_anywhere(end):
    assert read(b"a = 1" + end + b"b" + end) == (["a = 1\n", "b\n"], b"")


def test_empty_lines_are_lines():
    assert read(b"\n\r\n\r\0\n") == (["\n"] * 4, b"")


def test_a_line_is_utf8_and_what_is_not_is_replaced():
    assert read("'\u20ac'\n".encode() + b"'\xc3'\n") == (["'\u20ac'\n", "'\ufffd'\n"], b"")


def test_what_is_asked_for_or_offered_is_declined_and_refusals_are_taken_as_they_are():
    assert read(IAC + DO + b"\x01x" + IAC + WILL + b"\x1f\n") == (
        ["x\n"],
        IAC + WONT + b"\x01" + IAC + DONT + b"\x1f",
    )
    assert read(IAC + DONT + b"\x01" + IAC + WONT + b"\x1f") == ([], b"")


def test_a_subnegotiation_is_passed_over():
    assert read(b"a" + IAC + SB + b"\x1f\0\n" + IAC + IAC + b"\x03" + IAC + SE + b"b\n") == (
        ["ab\n"],
        b"",
    )


def test_an_interrupt_forgets_the_line():
    interrupt_process, line_break = IAC + b"\xf4", IAC + b"\xf3"
    for octets in (b"\x03", interrupt_process, line_break):
        assert read(b"while" + octets + b"1\n") == ([Interrupt, "1\n"], b"")


def test_what_a_telnet_client_sends_for_ctrl_c_is_an_interrupt_and_its_mark_comes_back():
    data_mark, timing_mark = b"\xf2", b"\x06"
    assert read(IAC + b"\xf4" + IAC + data_mark + IAC + DO + timing_mark) == (
        [Interrupt],
        IAC + WILL + timing_mark,
    )


def test_ctrl_d_ends_where_a_line_begins_and_means_nothing_elsewhere():
    assert read(b"\x04") == ([End], b"")
    assert read(b"ab\x04c\n") == (["abc\n"], b"")
    assert read(IAC + b"\xec") == ([End], b"")


def test_other_commands_are_obeyed_or_passed_over():
    assert read(b"abc" + IAC + b"\xf7d\n") == (["abd\n"], b"")
    assert read(b"abc" + IAC + b"\xf8d\n") == (["d\n"], b"")
    assert read(b"a" + IAC + b"\xf1b\n") == (["ab\n"], b"")
    assert read(IAC + b"\xf6") == ([], b"[yes]\r\n")


def test_a_doubled_command_octet_is_data():
    assert read(b"a" + IAC + IAC + b"\n") == (["a\ufffd\n"], b"")


def test_whether_telnet_is_spoken_shows_with_the_first_command():
    reader = TelnetReader()
    reader.feed(b"1\n")
    assert not reader.speaks_telnet
    reader.feed(IAC)
    assert reader.speaks_telnet


def test_at_the_end_what_has_begun_is_a_line():
    reader = TelnetReader()
    reader.feed(b"print(1)")
    assert named(reader.finish()) == ["print(1)\n", End]
    assert named(TelnetReader().finish()) == [End]
