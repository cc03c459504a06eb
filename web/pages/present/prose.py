"""Short texts with `code` in backticks, as the API descriptions have them."""

from __future__ import annotations

from markupsafe import Markup, escape


def prose(text: str) -> Markup:
    """Escape a text and turn what stands in backticks into code."""
    parts = [escape(part) for part in text.split("`")]
    if len(parts) % 2 == 0:  # a backtick without its partner is a character like any other
        parts[-2:] = [Markup("`").join(parts[-2:])]
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else part for index, part in enumerate(parts)
    )
