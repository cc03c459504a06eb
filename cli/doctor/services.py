"""Checks of what runs: Redis, database, photo storage, workers."""

from __future__ import annotations

import redis as redis_library
from sqlalchemy import select

from cli.doctor import engines
from cli.doctor.finding import Finding, bad, ok, warn
from cli.local_database import local_database
from shared import migrate
from shared.blobs import BlobStore
from shared.clock import utc_now
from shared.jobs.figures import SILENCE
from shared.redis_client import impatient_client
from shared.redis_server import find_server, socket_path
from shared.settings import Settings
from shared.tables import WorkerHeartbeat

PING_SECONDS = 3.0
KINDS = ("predict", "train", "maintain")
PROBE_KEY = "doctor/probe"


def redis_program(settings: Settings) -> Finding:
    """There is a Redis server program, where one is needed."""
    if settings.redis_url is not None:
        return ok("redis program", "not needed, HANGTAG_REDIS_URL names a server.")
    return ok("redis program", f"{find_server()}.")


def redis_answers(settings: Settings) -> Finding:
    """Redis answers, or is not running because Hangtag is not."""
    if settings.redis_url is None and not socket_path(settings.data_dir).exists():
        return warn("redis", "It is not running. 'hangtag run' starts it.")
    client = impatient_client(settings, PING_SECONDS)
    try:
        version = client.info("server")["redis_version"]
    except redis_library.RedisError as error:
        advice = "Check HANGTAG_REDIS_URL." if settings.redis_url else "Start Hangtag with 'hangtag run'."
        return bad(
            "redis", f"It does not answer ({type(error).__name__}); photos are taken and wait. {advice}"
        )
    finally:
        client.close()
    return ok("redis", f"answers, version {version}.")


def database(settings: Settings) -> Finding:
    """The database answers and has the tables of this release."""
    with local_database(settings) as opened:
        found, newest = migrate.current(opened), migrate.head()
    if found != newest:
        return bad(
            "database", f"It is at revision {found}, this release needs {newest}. Run 'hangtag migrate'."
        )
    return ok("database", f"answers, at revision {found}.")


def photo_storage(settings: Settings) -> Finding:
    """Photos can be written, read and deleted."""
    store = BlobStore(settings.blob_url)
    store.put(PROBE_KEY, b"probe")
    whole = store.get(PROBE_KEY) == b"probe"
    store.delete(PROBE_KEY)
    if not whole:
        return bad("photo storage", f"{settings.blob_url} gave back other bytes than were written to it.")
    return ok("photo storage", f"{settings.blob_url} can be written and read.")


def workers(settings: Settings) -> Finding:
    """All kinds of workers show signs of life."""
    with local_database(settings) as opened, opened.read() as session:
        alive = session.scalars(
            select(WorkerHeartbeat).where(WorkerHeartbeat.seen_at > utc_now() - SILENCE)
        ).all()
    if not alive:
        return warn("workers", "None is running. 'hangtag run' starts them.")
    missing = [kind for kind in KINDS if kind not in {worker.kind for worker in alive}]
    if missing:
        return bad("workers", f"No sign of life from: {', '.join(missing)}. Look into their logs.")
    said = [f"{worker.kind}{_running_on(worker)} {worker.resident_bytes / 1e6:.0f} MB" for worker in alive]
    notes = [worker.note for worker in alive if worker.note and worker.note != engines.why(settings)]
    return ok("workers", "; ".join([*said, *notes]))


def _running_on(worker: WorkerHeartbeat) -> str:
    return f" on {worker.engine}, {worker.device}," if worker.engine else ""
