"""gunicorn as it runs, but in one process and with little patience."""

from web import slow_clients
from web.gunicorn_conf import *  # noqa: F403 - its settings are its names

workers = 1
slow_clients.FIRST_SECONDS = 2.0
