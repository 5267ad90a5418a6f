# SPDX-License-Identifier: MIT
"""What a configuration of gunicorn's comes to, setting by setting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, NamedTuple

from spawning.gunicorn import values
from spawning.gunicorn.values import SettingError

_MOST = {"limit-request-line": "1M", "limit-header-count": "10000", "limit-headers": "16M"}


class Translation:
    """Options of ours, the application, and what there is to say about the rest."""

    def __init__(self, file: str, settings: Mapping[str, Any]) -> None:
        self.file = file  # as messages name it
        self.settings = settings
        self.options: dict[str, list[str]] = {}
        self.origins: dict[str, str] = {}  # option: the setting that it is from
        self.path: list[str] = []  # where Python looks first
        self.arguments: list[str] = []
        self.remarks: list[str] = []

    def take(self, setting: str, option: str, *given: str) -> None:
        """Gives the option these values; one that has some gets more."""
        self.options.setdefault(option, []).extend(given)
        self.origins.setdefault(option, setting)

    def remark(self, setting: str, what: str) -> None:
        """For people: one line."""
        self.remarks.append(f"{self.file}: {setting}: {what}")

    def worker(self) -> str:
        """Which worker runs: threads make a gthread of a sync one."""
        kind = values.worker(self.settings.get("worker_class") or "sync")
        several = values.number(self.settings.get("threads") or 1) not in ("0", "1")
        return "gthread" if kind == "sync" and several else kind


Apply = Callable[[Translation, str, Any], None]


class Rule(NamedTuple):
    """How a setting is understood."""

    options: tuple[str, ...]  # that it may set
    apply: Apply  # given the setting's name and value. Raises SettingError


def translated_to(option: str, read: Callable[[Any], str], remark: str = "") -> Rule:
    """Is an option; an empty value says nothing."""

    def apply(translation: Translation, name: str, value: Any) -> None:
        taken = read(value)
        if not taken:
            return
        translation.take(name, option, taken)
        if remark:
            translation.remark(name, f"--{option}: {remark}")

    return Rule((option,), apply)


def limit_to(option: str) -> Rule:
    """Is a limit; 0 is none, for which ours has the largest that it can be."""

    def apply(translation: Translation, name: str, value: Any) -> None:
        taken = values.number(value)
        if taken == "0":
            taken = _MOST[option]
            translation.remark(name, f"--{option}: there is always a limit, {taken} at most")
        translation.take(name, option, taken)

    return Rule((option,), apply)


def switched_to(option: str, taken: str = "") -> Rule:
    """Is an option if it is True."""

    def apply(translation: Translation, name: str, value: Any) -> None:
        if values.flag(value):
            translation.take(name, option, taken)

    return Rule((option,), apply)


def ignored(why: str, *usual: Any) -> Rule:
    """Has no counterpart, which need not be said about what is usual, or nothing."""

    def apply(translation: Translation, name: str, value: Any) -> None:
        if value and value not in (*usual, "false", "False"):
            translation.remark(name, f"ignored: {why}")

    return Rule((), apply)


def refused(why: str, *usual: Any) -> Rule:
    """Has no counterpart, and a service without it would be another one."""

    def apply(_translation: Translation, _name: str, value: Any) -> None:
        if value and value not in usual:
            raise SettingError(why)

    return Rule((), apply)
