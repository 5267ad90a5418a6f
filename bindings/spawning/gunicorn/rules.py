# SPDX-License-Identifier: MIT
"""Those of gunicorn's settings that are more than an option of another name."""

from __future__ import annotations

import glob
import os
from typing import Any

from spawning.gunicorn import values
from spawning.gunicorn.translation import Translation, limit_to
from spawning.gunicorn.values import SettingError
from spawning.loading.naming import describe

_ALL_HEADERS = 64 << 10  # --limit-headers


def bind(translation: Translation, name: str, value: Any) -> None:
    addresses = values.texts(value) if value else []
    if addresses:
        translation.take(name, "bind", *map(values.address, addresses))


def worker_class(translation: Translation, name: str, value: Any) -> None:
    kind = values.worker(value)
    if kind in ("gevent", "eventlet"):
        translation.take(name, "threads", "0")
        translation.take(name, "green", kind)


def threads(translation: Translation, name: str, value: Any) -> None:
    threads = values.number(value)
    kind = translation.worker()
    if kind in ("sync", "gthread"):
        translation.take(name, "threads", "1" if threads == "0" else threads)
    elif threads not in ("0", "1"):
        translation.remark(name, f"ignored, as by gunicorn's {kind} worker")


def worker_connections(translation: Translation, name: str, value: Any) -> None:
    kind = translation.worker()
    most = values.number(value)
    if kind == "sync":
        translation.remark(name, "ignored, as by gunicorn's sync worker")
    elif kind == "gthread":
        translation.take(name, "max-connections", most)
    else:
        translation.take(name, "worker-connections", most)
        translation.remark(name, "--worker-connections: requests that run; connections may be more")


def keepalive(translation: Translation, name: str, value: Any) -> None:
    seconds = values.number(value)
    if seconds == "0":
        translation.take(name, "no-keepalive", "")
    else:
        translation.take(name, "keepalive-timeout", seconds)


def field_size(translation: Translation, name: str, value: Any) -> None:
    size = values.number(value)
    if size.isdecimal() and 0 < int(size) <= _ALL_HEADERS:
        translation.remark(name, "ignored: all headers together may have 64K (--limit-headers)")
        return
    if size != "0":
        translation.remark(name, "--limit-headers: for all headers together")
    limit_to("limit-headers").apply(translation, name, value)


def reload_engine(translation: Translation, name: str, value: Any) -> None:
    if values.text(value) == "poll":
        translation.take(name, "watch-poll", "1")


def extra_files(translation: Translation, name: str, value: Any) -> None:
    files = []
    for each in values.texts(value) if value else []:
        pattern = glob.has_magic(each)
        files += sorted(glob.glob(each, recursive=True)) if pattern else [each]
        if pattern:
            translation.remark(name, f"--watch: of {each} the files that are there now")
    if not files:
        return
    translation.take(name, "watch", *files)
    if not values.flag(translation.settings.get("reload")):
        translation.remark(name, "--watch: also without reload")


def owner(translation: Translation, name: str, value: Any) -> None:
    user, group = (translation.settings.get(each) for each in ("user", "group"))
    if name == "group" and user is not None:
        return
    owner = values.identity(os.geteuid() if user is None else user)
    if group is not None:
        owner += ":" + values.identity(group)
    translation.take(name, "chuid", owner)
    translation.remark(name, "--chuid: the supervisor too, and with all groups of the user")


def pythonpath(translation: Translation, _name: str, value: Any) -> None:
    for each in filter(None, values.text(value).split(",")):
        translation.path.insert(0, each)


def environment(translation: Translation, name: str, value: Any) -> None:
    variables = values.texts(value) if value else []
    if variables:
        translation.take(name, "env", *variables)


def accesslog(translation: Translation, name: str, value: Any) -> None:
    translation.take(name, "access-log-file", values.text(value or "") or os.devnull)


def access_log_format(translation: Translation, name: str, value: Any) -> None:
    template, unknown = values.log_format(values.text(value))
    if template:
        translation.take(name, "access-log-format", template)
    if unknown:
        atoms = ", ".join(unknown)
        translation.remark(name, f"--access-log-format: {atoms}: not known, always -")


def errorlog(translation: Translation, name: str, value: Any) -> None:
    file = values.text(value)
    if file in ("", "-"):
        return
    translation.take(name, "stderr", file)
    translation.remark(name, "--stderr: what the application writes to it is there, too")
    if values.flag(translation.settings.get("capture_output")):
        translation.take("capture_output", "stdout", file)


def with_another(_translation: Translation, _name: str, value: Any) -> None:
    """Is a flag that counts where another setting is."""
    values.flag(value)


def loglevel(translation: Translation, name: str, value: Any) -> None:
    level = values.word(value)
    if level == "critical":
        level = "error"
        translation.remark(name, "--log-level error: there is no critical")
    if level:
        translation.take(name, "log-level", level)


def scheme_headers(translation: Translation, name: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise SettingError(f"expected a dictionary, not {describe(value)}")
    headers = {str(each).upper(): said for each, said in value.items()}
    if headers not in ({}, {"X-FORWARDED-PROTO": "https"}):
        why = "X-Forwarded-Proto and Forwarded say the scheme; have the proxy set one of them"
        translation.remark(name, f"ignored: {why}")


def forwarded_allow_ips(translation: Translation, name: str, value: Any) -> None:
    proxies = values.text(value)
    translation.take(name, "forwarded-allow-ips", proxies)  # empty: nobody
    if proxies:
        what = "believed about the client's address and the host, too"
        translation.remark(name, f"--forwarded-allow-ips: {what}")


def proxy_protocol(translation: Translation, name: str, value: Any) -> None:
    version = value.lower().strip() if isinstance(value, str) else str(values.flag(value)).lower()
    if version in ("false", "off", "0", "none"):
        return
    if version not in ("true", "auto", "1", "v1", "v2"):
        raise SettingError(f"expected off, v1, v2 or auto, not {value!r}")
    translation.take(name, "proxy-protocol", "")
    if version in ("v1", "v2"):
        translation.remark(name, "--proxy-protocol: both versions are understood")


def application(translation: Translation, name: str, value: Any) -> None:
    application = values.text(value)
    if application.endswith(")") and not application.endswith("()"):
        raise SettingError(f'expected no arguments in the parentheses, not "{application}"')
    if application and not translation.settings.get("paste"):
        translation.arguments = [application]


def paste(translation: Translation, name: str, value: Any) -> None:
    file = values.text(value).removeprefix("config:")
    if file:
        translation.take(name, "factory", "spawning.paste_factory.config_factory")
        variables = translation.settings.get("raw_paste_global_conf")
        translation.arguments = [file, *(values.texts(variables) if variables else [])]


def paste_variables(translation: Translation, name: str, value: Any) -> None:
    if values.texts(value or []) and not translation.settings.get("paste"):
        translation.remark(name, "ignored: there is no paste")
