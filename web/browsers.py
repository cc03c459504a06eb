"""What a browser calls itself, in plain words, for the list of one's own sessions."""

from __future__ import annotations

# The first match counts: Edge also calls itself Chrome, and Chrome calls itself Safari.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Windows", "Windows"),
    ("Macintosh", "a Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def browser_in_words(user_agent: str) -> str:
    """For example "Firefox on Windows"; what is kept is this and not the whole header."""
    browser = next((word for mark, word in BROWSERS if mark in user_agent), "Another browser")
    system = next((word for mark, word in SYSTEMS if mark in user_agent), None)
    return f"{browser} on {system}" if system else browser
