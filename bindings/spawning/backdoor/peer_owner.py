# SPDX-License-Identifier: MIT
"""Whose process is at the other end of a connection within this machine."""

from __future__ import annotations

import os
import pwd
import socket
import struct
import sys
from collections.abc import Iterable
from typing import NamedTuple

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_ATTEMPTS = 2  # a table that changes while it is read may lack an entry
_CREDENTIALS = struct.Struct("iII")  # struct ucred: pid, uid, gid


class Peer(NamedTuple):
    """Who is at the other end."""

    uid: int | None  # None: it cannot be told, or has gone already
    place: str  # "127.0.0.1:50123", "process 4711"

    @property
    def name(self) -> str:
        return "somebody" if self.uid is None else f"{name_of(self.uid)} (uid {self.uid})"


def name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def is_let_in(uid: int | None) -> bool:
    """Whether a process of that user may do what this one may: it is root's, or the same user's."""
    return uid is not None and uid in (0, os.geteuid())


def peer_of(connection: socket.socket) -> Peer:
    """Who is at the other end of a connection over a UNIX socket, or to a loopback address."""
    if connection.family == socket.AF_UNIX:
        octets = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        pid, uid, _ = _CREDENTIALS.unpack(octets)
        return Peer(uid, f"process {pid}")
    try:
        client, server = connection.getpeername()[:2], connection.getsockname()[:2]
    except OSError:
        return Peer(None, "nowhere")
    for _ in range(_ATTEMPTS):
        for table in _TABLES:
            uid = _owner_in(table, client, server)
            if uid is not None:
                return Peer(uid, _in_words(client))
    return Peer(None, _in_words(client))


def _in_words(address: tuple[str, int]) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _owner_in(table: str, client: tuple[str, int], server: tuple[str, int]) -> int | None:
    try:
        with open(table, encoding="ascii") as lines:
            return find_owner(lines, client, server)
    except FileNotFoundError:  # no IPv6
        return None


def find_owner(
    lines: Iterable[str], client: tuple[str, int], server: tuple[str, int]
) -> int | None:
    """The owner of the client's socket of a connection, by a table as in /proc/net/tcp.

    None also if the client has closed it: the table calls root the owner of those. proc(5)
    """
    wanted = [(ours, theirs) for ours, theirs in zip(_written(client), _written(server))]
    places = [ours for ours, _ in wanted]
    for line in lines:
        if not any(place in line for place in places):
            continue  # quickly: there may be very many
        fields = line.split()
        if len(fields) < 10 or (fields[1], fields[2]) not in wanted:
            continue
        uid, inode = int(fields[7]), int(fields[9])
        return uid if inode != 0 else None
    return None


def _written(address: tuple[str, int]) -> list[str]:
    """How tables write it: an IPv4 address also as a dual-stack socket has it."""
    host, port = address
    if ":" in host:
        return [_hexadecimal(socket.inet_pton(socket.AF_INET6, host), port)]
    packed = socket.inet_pton(socket.AF_INET, host)
    return [_hexadecimal(packed, port), _hexadecimal(bytes(10) + b"\xff\xff" + packed, port)]


def _hexadecimal(packed: bytes, port: int) -> str:
    words = [packed[at : at + 4] for at in range(0, len(packed), 4)]
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words) + f":{port:04X}"
