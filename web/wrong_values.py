"""What is wrong with a value that Pydantic refuses, as a sentence for whoever sent it."""

from __future__ import annotations

from pydantic_core import ErrorDetails

# By the kind of Pydantic's finding; its context fills the braces.
SENTENCES = {
    "missing": "This is missing. Send it, too.",
    "extra_forbidden": "There is nothing of this name here. Check its spelling.",
    "literal_error": "This must be {expected}.",
    "enum": "This must be {expected}.",
    "finite_number": "This must be a number that is not infinite.",
    "string_too_long": "This may have at most {max_length} characters.",
    "string_too_short": "This must have at least {min_length} characters.",
    "too_long": "This may have at most {max_length} entries.",
    "too_short": "This must have at least {min_length} entries.",
    "greater_than_equal": "This must be {ge} or more.",
    "greater_than": "This must be above {gt}.",
    "less_than_equal": "This must be {le} or less.",
    "less_than": "This must be below {lt}.",
}
# Kinds with several names, such as int_type and int_parsing, by the word before the underscore.
TYPES = {
    "int": "This must be a whole number.",
    "float": "This must be a number.",
    "bool": "This must be true or false.",
    "list": "This must be a list.",
    "dict": "This must be an object.",
    "model": "This must be an object.",
    "datetime": "This must be a moment with its zone, such as 2026-05-01T12:00:00Z.",
    "timezone": "This must be a moment with its zone, such as 2026-05-01T12:00:00Z.",
}
OTHERWISE = "This cannot be used. The reference at /api/docs says what it may be."


def sentence_of(item: ErrorDetails) -> str:
    """One of Pydantic's findings in our words."""
    kind, context = item["type"], item.get("ctx", {})
    if kind == "value_error":  # a validator of ours raised it, with a sentence
        return str(context["error"])
    if kind == "string_type":
        return "This must be a text."
    if kind in SENTENCES:
        return SENTENCES[kind].format(**context)
    return TYPES.get(kind.partition("_")[0], OTHERWISE)
