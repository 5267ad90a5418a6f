# SPDX-License-Identifier: MIT
"""What the hub does for a worker, with a hub and a worker of the test's own."""

from spawning.serving.green_serving import GreenServing


class Finished:
    def wait(self):
        pass

    def set(self):
        pass


class Hub:
    event = Finished
    spawn = None

    def __init__(self):
        self.watched, self.timers = {}, []

    def watch(self, descriptor, callback):
        self.watched[descriptor] = callback
        return lambda: self.watched.pop(descriptor)

    def later(self, seconds, callback):
        self.timers.append((seconds, callback))


class Greenlet:
    thrown = 0

    def throw(self):
        Greenlet.thrown += 1


class Worker:
    """Of which 120 clients have gone, and which cannot say how many greenlets it wants."""

    answer = None

    def __init__(self):
        self.abandoned, self.logged = 120, []

    fileno = staticmethod(lambda: 1)
    requests = staticmethod(lambda: 2)
    attention = staticmethod(lambda: 3)
    hub_attention = staticmethod(lambda: 4)
    busy = staticmethod(lambda: False)

    def take_requests(self):
        raise ValueError("none of your business")

    def next_abandoned(self):
        if self.abandoned == 0:
            return None, False
        self.abandoned -= 1
        return Greenlet(), False

    def log_error(self, text, traceback):
        self.logged.append((text, traceback))


def serving():
    worker, hub = Worker(), Hub()
    GreenServing(worker, hub).run(lambda: None, often=False)
    hub.timers.clear()  # the look around
    return worker, hub


def test_a_callback_that_raises_is_logged_and_called_again():
    worker, hub = serving()

    hub.watched[worker.requests()]()
    hub.watched[worker.requests()]()

    assert [text for text, _ in worker.logged] == [
        "the hub stumbles: ValueError: none of your business"
    ] * 2
    assert "in take_requests" in worker.logged[0][1]


def test_of_many_that_have_gone_some_are_ended_before_others_run():
    worker, hub = serving()
    Greenlet.thrown = 0
    seen = []

    hub.watched[worker.attention()]()
    while hub.timers:
        seen.append(Greenlet.thrown)
        seconds, callback = hub.timers.pop()
        assert seconds == 0.0
        callback()

    assert seen == [50, 100]
    assert Greenlet.thrown == 120
