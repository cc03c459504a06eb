"""Sending readers back to the page they came from."""

from __future__ import annotations

from flask import redirect, request
from werkzeug.wrappers import Response


def local_path(path: str) -> str | None:
    """A path on this server, or None: neither a sign-in nor a form may lead anywhere else."""
    stays = path.startswith("/") and not path.startswith("//") and "\\" not in path
    # Tabs and line ends do not count in addresses, for browsers and for urlsplit: "/<tab>/host" is "//host".
    return path if stays and path.isprintable() else None


def back(otherwise: str) -> Response:
    """To where the form says that its reader came from, else to `otherwise`."""
    return redirect(local_path(request.form.get("next", "")) or otherwise, code=303)
