# SPDX-License-Identifier: MIT
"""Which option each of gunicorn's settings is, and which have none: as docs/migrating.md has it."""

from __future__ import annotations

from spawning.gunicorn import rules, values
from spawning.gunicorn.translation import (
    Rule,
    ignored,
    limit_to,
    refused,
    switched_to,
    translated_to,
)


def _each(names: str, rule: Rule) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


_TRANSLATED = {
    "wsgi_app": Rule((), rules.application),
    "bind": Rule(("bind", "forwarded-allow-ips"), rules.bind),
    "workers": translated_to("processes", values.number),
    "threads": Rule(("threads",), rules.threads),
    "worker_class": Rule(("threads", "green"), rules.worker_class),
    "worker_connections": Rule(("max-connections", "worker-connections"), rules.worker_connections),
    "timeout": translated_to(
        "request-timeout", values.number, "for one request, with threads too, not for the worker"
    ),
    "graceful_timeout": translated_to("deadman", values.number),
    "keepalive": Rule(("keepalive-timeout", "no-keepalive"), rules.keepalive),
    "max_requests": translated_to("max-requests", values.number),
    "max_requests_jitter": translated_to("max-requests-jitter", values.number),
    "limit_request_line": limit_to("limit-request-line"),
    "limit_request_fields": limit_to("limit-header-count"),
    "limit_request_field_size": Rule(("limit-headers",), rules.field_size),
    "reload": switched_to("reload", "dev"),
    "reload_extra_files": Rule(("watch",), rules.extra_files),
    "reload_engine": Rule(("watch-poll",), rules.reload_engine),
    "chdir": translated_to("chdir", values.text),
    "daemon": switched_to("daemonize"),
    "raw_env": Rule(("env",), rules.environment),
    "pythonpath": Rule(("env",), rules.pythonpath),
    "pidfile": translated_to("pidfile", values.text),
    **_each("user group", Rule(("chuid",), rules.owner)),
    "initgroups": Rule(("chuid",), rules.with_another),
    "umask": translated_to("umask", values.octal),
    "forwarded_allow_ips": Rule(("forwarded-allow-ips",), rules.forwarded_allow_ips),
    "proxy_protocol": Rule(("proxy-protocol",), rules.proxy_protocol),
    "header_map": translated_to("header-map", values.word),
    "accesslog": Rule(("access-log-file",), rules.accesslog),
    "access_log_format": Rule(("access-log-format",), rules.access_log_format),
    "errorlog": Rule(("stderr", "stdout"), rules.errorlog),
    "capture_output": Rule(("stderr", "stdout"), rules.with_another),
    "loglevel": Rule(("log-level",), rules.loglevel),
    "paste": Rule(("factory",), rules.paste),
    "raw_paste_global_conf": Rule((), rules.paste_variables),
}

_REFUSED = {
    **_each(
        "certfile keyfile ssl_context",
        refused("TLS is not served; expected none, and a proxy in front that does it"),
    ),
    "protocol": refused("expected http, as nothing else is served", "http"),
}

_IGNORED = {
    "backlog": ignored("it is 2048", 2048),
    "preload_app": ignored("each worker is a fresh interpreter that loads the application itself"),
    "secure_scheme_headers": Rule((), rules.scheme_headers),
    "proxy_allow_ips": ignored(
        "--forwarded-allow-ips says whose PROXY headers count", values.PROXIES
    ),
    "forwarder_headers": ignored("a proxy cannot set SCRIPT_NAME", "SCRIPT_NAME,PATH_INFO"),
    **_each(
        "logger_class logconfig logconfig_dict logconfig_json",
        ignored("there is one log, of text or --log-format json", "gunicorn.glogging.Logger"),
    ),
    **_each(
        "syslog syslog_addr syslog_prefix syslog_facility disable_redirect_access_to_syslog",
        ignored("the log is standard error, for journald and the like", "user"),
    ),
    **_each(
        "statsd_host statsd_prefix dogstatsd_tags enable_backlog_metric",
        ignored("Prometheus asks for the numbers: --status-port, /metrics"),
    ),
    **_each("proc_name default_proc_name", ignored("processes keep their names")),
    "reuse_port": ignored("workers share one socket, with one queue"),
    **_each(
        "worker_tmp_dir tmp_upload_dir",
        ignored("no heartbeat is a file; what is too large for memory is in TMPDIR"),
    ),
    **_each("sendfile spew enable_stdio_inheritance", ignored("there is no such choice", True)),
    "http_parser": ignored("there is one parser", "auto"),
    **_each(
        "permit_obsolete_folding permit_unconventional_http_method casefold_http_method"
        " permit_unconventional_http_version strip_header_spaces",
        ignored("what is ambiguous is refused"),
    ),
    **_each(
        "ca_certs cert_reqs ciphers ssl_version do_handshake_on_connect suppress_ragged_eofs"
        " http_protocols http2_cleartext http2_max_concurrent_streams http2_initial_window_size"
        " http2_max_frame_size http2_max_header_list_size",
        ignored("a proxy in front does TLS and HTTP/2", "h1", "off"),
    ),
    **_each(
        "asgi_loop asgi_lifespan asgi_disconnect_grace_period websocket_max_message_size root_path"
        " uwsgi_allow_ips",
        ignored("it is WSGI, over HTTP, that is served", "auto", values.PROXIES),
    ),
    **_each(
        "dirty_apps dirty_workers dirty_timeout dirty_threads dirty_graceful_timeout"
        " on_dirty_starting dirty_post_fork dirty_worker_init dirty_worker_exit",
        ignored("there are no dirty workers; a queue such as Celery does that"),
    ),
    **_each(
        "control_socket control_socket_mode control_socket_disable",
        ignored("there is no control socket; see --status-port and --backdoor"),
    ),
    **_each(
        "config check_config print_config",
        ignored("say --check or --print-config on the command line", "./gunicorn.conf.py"),
    ),
    **_each(
        "post_fork post_worker_init",
        ignored("what a worker needs belongs into the application's module, which each loads"),
    ),
    **_each(
        "worker_exit worker_int worker_abort",
        ignored("what a worker does at its end belongs into atexit, in the application's module"),
    ),
    **_each("pre_request post_request", ignored("a middleware sees every request")),
    **_each(
        "on_starting on_reload when_ready pre_fork pre_exec child_exit nworkers_changed on_exit",
        ignored("the supervisor runs no Python, and has no hooks"),
    ),
}

RULES: dict[str, Rule] = {**_TRANSLATED, **_REFUSED, **_IGNORED}
