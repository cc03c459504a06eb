"""gunicorn in one process with little patience."""

from tests.security.one_process_conf import *  # noqa: F403 - its settings are its names
from web import slow_clients

slow_clients.FIRST_SECONDS = 2.0
