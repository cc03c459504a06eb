"""Stored pictures as answers, for pages and API."""

from __future__ import annotations

from flask import Response, make_response, request

from web.services import services

# The bytes behind an id never change; "private" keeps them out of shared caches.
FOREVER = "private, max-age=31536000, immutable"
# Should a browser ever be led to show something else than a picture here, it may do nothing. Styles are those
# with which it puts a picture that is opened on its own into the middle of the window.
LOCKED = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


def picture(key: str, etag: str, filename: str) -> Response:
    """A stored JPEG, for whom the caller has let in."""
    response = make_response()
    response.set_etag(etag)
    response.headers["Cache-Control"] = FOREVER
    response.headers["Content-Security-Policy"] = LOCKED
    response.headers["Content-Disposition"] = f'inline; filename="{filename}"'
    response.content_type = "image/jpeg"
    if etag not in request.if_none_match:
        response.set_data(services().blobs.get(key))
    response.make_conditional(request)
    return response
