# SPDX-License-Identifier: MIT
"""Parts of applications, for the tests."""

OK = ("200 OK", [("Content-Type", "text/plain")])


def answering(*arguments, body=(b"body",)):
    """An application that calls start_response with these arguments."""

    def application(environ, start_response):
        start_response(*arguments)
        return list(body)

    return application


class Blocks:
    """An iterable that notes what happens to it."""

    def __init__(self, *blocks, events=None):
        self.blocks = blocks
        self.events = [] if events is None else events

    def __iter__(self):
        for block in self.blocks:
            if isinstance(block, BaseException):
                raise block
            self.events.append(block)
            yield block

    def close(self):
        self.events.append("close")
