"""gunicorn as it runs, but in one process: how many requests one person may send counts per process."""

from web.gunicorn_conf import *  # noqa: F403 - its settings are its names

workers = 1
