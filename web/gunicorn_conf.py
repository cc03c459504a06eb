"""How gunicorn serves the web application; read with `-c python:web.gunicorn_conf`."""

from __future__ import annotations

import os

from shared.settings import load_settings

_settings = load_settings()
_host = f"[{_settings.host}]" if ":" in _settings.host else _settings.host

bind = f"{_host}:{_settings.port}"
worker_class = "web.slow_clients.Worker"
# Decoding a photo happens in children and networks run elsewhere, so requests mostly wait:
# two processes outlive the loss of one, more would only take memory.
workers = min(4, max(2, (os.cpu_count() or 1) // 2))
# Long polls and event streams hold a thread each while they wait.
threads = 32
graceful_timeout = 30
# For the heartbeat of a whole process; a waiting request does not count against it.
timeout = 60
keepalive = 5
accesslog = None  # the application logs each request itself, with its id
errorlog = "-"
# Nothing of ours uses it, and whoever may write to it could stop the server.
control_socket_disable = True
