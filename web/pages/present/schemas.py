"""JSON schemas as tables of fields, under the short names that people use for them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
UNIONS = ("anyOf", "oneOf", "allOf")
LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "maxItems": "at most {} items",
}


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One member of an object."""

    name: str
    type: str
    schema: str | None
    optional: bool
    description: str


@dataclass(frozen=True, slots=True)
class SchemaView:
    """A named object."""

    name: str
    description: str
    fields: list[FieldRow]


@dataclass(slots=True)
class Schemas:
    """The objects of one OpenAPI document. It collects those that were asked for."""

    spec: Json
    _views: dict[str, SchemaView] = field(default_factory=dict)

    def views(self) -> list[SchemaView]:
        """All objects that were linked so far, by name."""
        return sorted(self._views.values(), key=lambda view: view.name)

    def resolve(self, entry: Json) -> Json:
        """What an entry refers to, or the entry itself."""
        ref = entry.get("$ref")
        if not ref:
            return entry
        found: Any = self.spec
        for part in ref.removeprefix("#/").split("/"):
            found = found.get(part, {})
        return dict(found)

    def fields(self, schema: Json) -> list[FieldRow]:
        """The members of an object; none for anything else."""
        whole = self.resolve(schema)
        required = whole.get("required", [])
        return [
            FieldRow(name, self.type_text(entry), self.link(entry), name not in required, _meaning(entry))
            for name, entry in whole.get("properties", {}).items()
        ]

    def link(self, schema: Json) -> str | None:
        """The name of the object in a type, wherever it stands in it. Its view is kept."""
        for entry in _parts(schema):
            name, whole = self._name(entry), self.resolve(entry)
            if name and "properties" in whole:
                if name not in self._views:
                    self._views[name] = SchemaView(name, "", [])  # an object may contain itself
                    self._views[name] = SchemaView(name, whole.get("description", ""), self.fields(whole))
                return name
        return None

    def type_text(self, schema: Json) -> str:
        """A type in a few words."""
        whole = self.resolve(schema)
        for union in UNIONS:
            if union in whole:
                return " or ".join(dict.fromkeys(self.type_text(entry) for entry in whole[union]))
        if "const" in whole or "enum" in whole:
            return " | ".join(json.dumps(value) for value in whole.get("enum", [whole.get("const")]))
        if whole.get("type") == "array":
            return f"list of {self.type_text(whole.get('items', {}))}"
        name = self._name(schema)
        return name if name and "properties" in whole else _plain_type(whole)

    def _name(self, schema: Json) -> str | None:
        """`ClassificationOut.JobOut` is the same object as `JobOut`, and people call it a job."""
        full = str(schema.get("$ref") or schema.get("title") or "")
        short = full.rsplit("/", 1)[-1].rsplit(".", 1)[-1]
        return short.removesuffix("Out").removesuffix("In") or None


def _parts(schema: Json) -> Iterator[Json]:
    yield schema
    yield from (entry for union in UNIONS for entry in schema.get(union, []))
    if "items" in schema:
        yield from _parts(schema["items"])


def _plain_type(schema: Json) -> str:
    kind = schema.get("type", "any")
    if isinstance(kind, list):
        return " or ".join(kind)
    form = schema.get("format")
    return f"{kind} ({form})" if form else str(kind)


def _meaning(schema: Json) -> str:
    limits = [text.format(schema[key]) for key, text in LIMITS.items() if key in schema]
    if schema.get("default") is not None:
        limits.append(f"default {json.dumps(schema['default'])}")
    parts = [schema.get("description", ""), f"{', '.join(limits)}." if limits else ""]
    return " ".join(part[:1].upper() + part[1:] for part in parts if part)
