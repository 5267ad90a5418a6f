"""A configuration of gunicorn's as people have it; gunicorn takes it, too."""

import multiprocessing
import os

bind = [os.environ.get("SHOP_ADDRESS", "127.0.0.1:0")]
workers = min(multiprocessing.cpu_count() * 2 + 1, 2)
worker_class = "gthread"
threads = 3
worker_connections = 200
timeout = 60
graceful_timeout = 20
keepalive = 5
max_requests = 100000
max_requests_jitter = 100
limit_request_line = 4094
preload_app = True
proc_name = "shop"
accesslog = "access.log"
access_log_format = '%(h)s "%(r)s" %(s)s %(b)s "%(a)s" %({x-shop}i)s'
loglevel = "warning"
raw_env = [f"SHOP_NAME={os.environ.get('SHOP_NAME', 'corner')}"]
wsgi_app = "gunicorn_shop:make_app()"

_unused = workers * threads
os.environ["SHOP_SECRET"] = "sesame"


def post_fork(server, worker):
    server.log.info("forked %s", worker.pid)


def when_ready(server):
    server.log.info("ready")
