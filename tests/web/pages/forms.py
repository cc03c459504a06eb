"""Filling in forms the way a browser without JavaScript does."""

from __future__ import annotations

import io
import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def csrf_token(client: FlaskClient, page: str) -> str:
    """The token in the first form of a page."""
    found = TOKEN.search(client.get(page).text)
    assert found is not None, f"{page} has no form"
    return found.group(1)


def post_form(
    client: FlaskClient, path: str, data: dict[str, Any] | None = None, page: str = "/sell"
) -> TestResponse:
    """Send a form that stands on `page`."""
    fields = {"csrf_token": csrf_token(client, page), **(data or {})}
    return client.post(path, data=fields, content_type="multipart/form-data", headers={"Accept": "text/html"})


def files(*contents: tuple[bytes, str]) -> dict[str, list[tuple[io.BytesIO, str]]]:
    """Files for the field `photo`."""
    return {"photo": [(io.BytesIO(data), name) for data, name in contents]}
