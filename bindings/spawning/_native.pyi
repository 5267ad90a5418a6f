"""The native part of spawning."""

from typing import Any, Callable

__version__: str

class Worker:
    """One serving process of a supervised service, from the inside.

    The order of calls: take, settings, load the application, log_accesses if wanted, then ready or
    failed; serve_requests on as many threads as may call the application at a time; wait until
    `fileno()` is readable, and attend meanwhile; close. A call out of order raises RuntimeError.
    Whatever waits releases the GIL.

    With greenlets it is ready_for_greenlets. `make_event` makes something that they wait for, as
    threading.Event, and `current` is the greenlet that calls it; a hub that gives no sign of life for
    `stall` seconds while requests run is reported, unless that is 0. The hub watches requests(),
    attention() and hub_attention(), and does what they are for: next_abandoned() and, after
    attend_to_hub(), next_question(), until they say None.

    `http` are options of `spawn` by their names, with underscores: sizes in octets, times in
    seconds. A name that is none, or a value of another type, raises TypeError; one out of range
    ValueError. Both name it.
    """

    @staticmethod
    def take() -> Worker | None:
        """The worker that this process was started as, or None."""

    def settings(self) -> dict[str, Any] | None:
        """Waits for the service's settings; None at the end."""

    def ready(
        self,
        application: Callable[..., Any],
        *,
        multithread: bool,
        multiprocess: bool,
        http: dict[str, float | bool | str] = ...,
    ) -> None:
        """The application is loaded: requests are queued for serve_requests()."""

    def ready_for_greenlets(
        self,
        application: Callable[..., Any],
        *,
        multiprocess: bool,
        http: dict[str, float | bool | str],
        greenlets: int,
        stall: float,
        make_event: Callable[[], Any],
        current: Callable[[], Any],
    ) -> None:
        """As ready(): requests are queued for so many calls of answer() at a time."""

    def load_in_interpreters(self, count: int, settings: str) -> int:
        """Loads the application so many times: a descriptor, readable when it is known how."""

    def tell_failure_in_interpreters(self) -> bool:
        """As failed(), if one has failed to load it; whether one has."""

    def ready_in_interpreters(self, http: dict[str, float | bool | str]) -> None:
        """As ready(): requests are answered in the interpreters."""

    def end_interpreters(self) -> bool:
        """Waits for all that runs in them. False: an exception has ended it."""

    def requests(self) -> int:
        """A descriptor, readable when take_requests() is wanted."""

    def take_requests(self) -> int:
        """How many greenlets are to be started, for answer()."""

    @property
    def answer(self) -> Callable[[], None]:
        """Answers the oldest request in this greenlet, if there is one."""

    def busy(self) -> bool:
        """Whether requests wait or are being answered in greenlets."""

    def hub_attention(self) -> int:
        """A descriptor, readable when attend_to_hub() is wanted."""

    def attend_to_hub(self) -> None:
        """Lets greenlets go on that have waited."""

    def next_abandoned(self) -> tuple[Any, bool]:
        """A greenlet to raise GreenletExit in, or None; and whether to look again in a moment."""

    def next_question(self) -> tuple[int, str, Any] | None:
        """Stacks that are wanted: number, introduction, greenlet or None for all; or None."""

    def answer_question(self, number: int, introduction: str, stacks: str) -> None:
        """Logs them."""

    def log_accesses(self, format: str) -> None:
        """Before ready: writes an access log. ValueError names a directive that there is not."""

    def log_error(self, text: str, traceback: str = "") -> None:
        """Logs an error, also in a process that has been forked from this one."""

    def in_child(self, came_back: Callable[[BaseException | None], None]) -> None:
        """In a forked process: what to call, instead of answering, when the application comes back.

        With what it has raised, or None. It does not return.
        """

    def failed(self, summary: str, traceback: str, files: list[str]) -> None:
        """The application cannot be loaded."""

    def report_modules(self, files: list[bytes]) -> None:
        """The application was loaded from these files, too: names as bytes."""

    def serve_requests(self) -> None:
        """Answers requests on this thread until the worker has nothing left to do."""

    def accept_at_console(self) -> int | None:
        """Waits for who comes to the console: a descriptor; None when nobody is let in any more."""

    def log(self, level: str, text: str) -> None:
        """Writes a line to the error log. ValueError: the level is not info, warning or error."""

    def drain(self) -> None:
        """Asks the supervisor for leave; then this stops accepting, and finishes what is running."""

    def fileno(self) -> int:
        """A descriptor, readable when the worker has nothing left to do."""

    def attention(self) -> int:
        """A descriptor, readable when attend() is wanted."""

    def attend(self) -> bool:
        """Ends waits for clients that have gone; True: call again in a moment."""

    def close(self) -> float | None:
        """Ends the I/O thread and lets go of the application.

        Returns how many seconds this process may take to end until the supervisor kills it, if it does.
        """

    @property
    def slot(self) -> int:
        """Its number among its siblings."""

    @property
    def generation(self) -> int:
        """Counts reloads, from 1."""

def load_in_interpreter(settings: str) -> tuple[str, str, list[bytes]] | None:
    """Loads the application in an interpreter of its own: what failed() would be told, or None."""

class Server:
    """Serves an application within this process.

    The order of calls: serve_requests on as many threads as may call the application at a time; wait
    until `fileno()` is readable, and attend meanwhile, on one thread; stop. `http` is as of
    Worker.ready. Raises OSError if it cannot listen.
    """

    def __init__(
        self,
        application: Callable[..., Any],
        *,
        host: str,
        port: int,
        multithread: bool,
        http: dict[str, Any],
        access_log_format: str | None,
    ) -> None: ...
    def serve_requests(self) -> None:
        """Answers requests on this thread until the server has nothing left to do."""

    def drain(self, *, newcomers: bool, patience: float) -> None:
        """Lets nobody new in, and finishes what runs within so many seconds."""

    def stop(self) -> None:
        """Ends at once; what still runs is lost, and logged."""

    def fileno(self) -> int:
        """A descriptor, readable when the server has nothing left to do."""

    def attention(self) -> int:
        """A descriptor, readable when attend() is wanted."""

    def attend(self) -> bool:
        """Ends waits for clients that have gone; True: call again in a moment."""

    def let_go_in_child(self) -> None:
        """In a forked process: lets go of the listening socket."""

    @property
    def port(self) -> int:
        """Where it listens."""

    @property
    def url(self) -> str:
        """Where it listens, for a client."""
