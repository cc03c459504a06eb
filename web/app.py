"""The application factory: settings and collaborators in, a wired Flask application out."""

from __future__ import annotations

from datetime import timedelta

import structlog
from apiflask import APIFlask
from flask import Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from shared.accounts import SESSION_LIFETIME
from shared.blobs import BlobStore
from shared.database import Database
from shared.errors import NotFoundError
from shared.jobs.bell import Bell
from shared.jobs.queue import CeleryQueue, JobQueue
from shared.photos.decoder import Decoder
from shared.quotas import PhotoRoom
from shared.settings import Settings
from web import api, hosts, limits, pages, problems, request_sizes
from web.auth import csrf
from web.incoming_request import IncomingRequest, refuse_nul
from web.job_watch import JobWatch
from web.openapi import describe
from web.services import EXTENSION, Services, services

MAX_FORM_FIELD_BYTES = 500_000
MAX_FORM_PARTS = 100
# Pictures decoded at once in one web process; each takes a core, and up to half a gigabyte for the largest.
DECODERS = 2
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; frame-ancestors 'none'; "
        "base-uri 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Pages use none of these; the upload field asks the system for the camera, which needs no permission.
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
}
# Two years, as hstspreload.org asks for. Not for subdomains: those are not ours to decide about.
TRANSPORT_SECURITY = "max-age=63072000"


def create_app(settings: Settings, queue: JobQueue | None = None) -> APIFlask:
    """Build the web application. Nothing connects to anything before the first request.

    `queue` replaces the Celery queue, for a test that wants to see what is published.
    """
    app = APIFlask("web", title="Hangtag", version="1", spec_path="/api/v1/openapi.json", docs_path=None)
    app.request_class = IncomingRequest
    _configure(app, settings)
    database = Database(settings.database_url)
    app.extensions[EXTENSION] = Services(
        settings=settings,
        database=database,
        blobs=BlobStore(settings.blob_url),
        queue=queue or CeleryQueue(settings),
        decoder=Decoder(DECODERS),
        room=PhotoRoom(),
        watch=JobWatch(database, Bell(settings)),
        streams=request_sizes.stream_places(),
        large_requests=request_sizes.large_places(),
        writes=request_sizes.write_places(),
    )
    csrf.init_app(app)
    app.before_request(_bind_log_context)
    hosts.register(app, settings)
    problems.register(app)
    limits.register(app, settings)
    request_sizes.register(app)
    api.register(app)
    pages.register(app)
    describe(app)
    app.before_request(_refuse_nul)
    app.after_request(_add_headers)
    return app


def _configure(app: APIFlask, settings: Settings) -> None:
    if hops := settings.proxy_hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=request_sizes.MAX_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_FORM_FIELD_BYTES,
        MAX_FORM_PARTS=MAX_FORM_PARTS,
        PERMANENT_SESSION_LIFETIME=SESSION_LIFETIME,
        SESSION_COOKIE_NAME="__Host-hangtag" if settings.production else "hangtag",
        SESSION_COOKIE_SECURE=settings.production,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        # Checked in web.auth, where it is known whether a cookie or a key speaks.
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=int(timedelta(hours=12).total_seconds()),
        WTF_CSRF_SSL_STRICT=settings.production,
        OPENAPI_VERSION="3.1.0",
        VALIDATION_ERROR_DESCRIPTION="Values that cannot be used",
    )


def _bind_log_context() -> None:
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=problems.request_id(), path=request.path)


def _refuse_nul() -> None:
    if "\0" in request.path:
        raise NotFoundError
    refuse_nul(request.args.values())


def _add_headers(response: Response) -> Response:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if services().settings.production:
        response.headers["Strict-Transport-Security"] = TRANSPORT_SECURITY
    response.headers["X-Request-ID"] = problems.request_id()
    # What may be kept says so itself: pictures, static files, and what is polled with an ETag.
    response.headers.setdefault("Cache-Control", "no-store")
    return response
