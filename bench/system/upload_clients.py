# SPDX-License-Identifier: MIT
"""Many clients at once that upload, for uploads.py: by one thread, and without a copy of what they send."""

import contextlib
import hashlib
import os
import select
import socket
import time

SIZE = 10 << 20
CHUNK = 64 << 10
KINDS = 8  # of bodies, so that one that got into another's file is noticed
SLICE = 128 << 10  # what a client sends before the next one may; also the kernel's buffer for it


class Messages:
    """Requests in a file in memory, from which sendfile(2) sends them: no client has a copy."""

    def __init__(self, chunked):
        self.file = os.memfd_create("uploads")
        self.digests, self.length = [], 0
        for number in range(KINDS):
            body = hashlib.shake_128(bytes([number])).digest(SIZE // 16) * 16
            self.digests.append(hashlib.sha256(body).hexdigest().encode())
            message = self.chunked(body) if chunked else self.whole(body)
            self.length = os.write(self.file, message)

    @staticmethod
    def whole(body):
        head = f"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    @staticmethod
    def chunked(body):
        pieces = [b"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"]
        for begin in range(0, len(body), CHUNK):
            pieces += [b"%x\r\n" % CHUNK, body[begin : begin + CHUNK], b"\r\n"]
        return b"".join([*pieces, b"0\r\n\r\n"])


class Upload:
    def __init__(self, port, messages, number):
        self.messages = messages
        self.kind = number % KINDS
        self.sent = 0
        self.answer = b""
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SLICE)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setblocking(False)

    def send(self, limit):
        begin = self.kind * self.messages.length + self.sent
        count = min(SLICE, limit - self.sent)
        with contextlib.suppress(BlockingIOError):
            self.sent += os.sendfile(self.socket.fileno(), self.messages.file, begin, count)

    def hear(self):
        """Whether there is more to come."""
        octets = self.socket.recv(4096)
        self.answer += octets
        return octets and not self.is_answered()

    def is_answered(self):
        return self.answer.endswith(b"\r\n\r\n" + self.messages.digests[self.kind])


class Uploads:
    """All of them, by one thread that never waits for one alone."""

    def __init__(self, port, count, messages, look):
        self.epoll = select.epoll()
        self.look = look  # what else is to be done, from time to time
        self.all = {}
        self.errors = 0
        for number in range(count):
            upload = Upload(port, messages, number)
            self.all[upload.socket.fileno()] = upload
        self.left = dict(self.all)

    def send_up_to(self, limit, patience):
        """Until each has sent so much, or nothing goes on any more. The seconds until the last octet went."""
        for fd in self.left:
            self.epoll.register(fd, select.EPOLLIN | select.EPOLLOUT)
        return self.go_on(limit, patience, set(self.left))

    def hear_answers(self, patience):
        for fd in self.left:
            self.epoll.register(fd, select.EPOLLIN)
        self.go_on(0, patience, set(self.left))
        self.errors += len(self.left)

    def go_on(self, limit, patience, under_way):
        moved = began = time.monotonic()
        while under_way and time.monotonic() < moved + patience:
            for fd, events in self.epoll.poll(0.02, 256):
                before = self.left[fd].sent
                if self.step(self.left[fd], events, limit):
                    moved = time.monotonic() if self.left[fd].sent > before else moved
                    continue
                moved = time.monotonic()
                under_way.discard(fd)
                self.epoll.unregister(fd)
            self.look()
        for fd in under_way:
            self.epoll.unregister(fd)
        return moved - began

    def step(self, upload, events, limit):
        """Whether there is more to do."""
        try:
            if events & ~select.EPOLLOUT:
                more = upload.hear()
            else:
                upload.send(limit)
                return upload.sent < limit
        except OSError:
            more = False
        if not more:
            self.errors += not upload.is_answered()
            del self.left[upload.socket.fileno()]
        return more

    def close(self):
        for upload in self.all.values():
            upload.socket.close()
        self.epoll.close()
