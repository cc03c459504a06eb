"""The OpenAPI document as a page: groups, operations, answers and schemas."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from web.pages.present.curl import curl_example
from web.pages.present.schemas import FieldRow, Schemas, SchemaView

Json = dict[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")
PROBLEM = "application/problem+json"
FIRST_ERROR = "400"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value in the path, the query or a header."""

    name: str
    place: str
    type: str
    required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries."""

    media_type: str
    fields: list[FieldRow]


@dataclass(frozen=True, slots=True)
class Answer:
    """One status an operation answers with."""

    status: str
    description: str
    type: str
    schema: str | None


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[Parameter]
    body: Body | None
    answers: list[Answer]
    errors: list[Answer]
    curl: str


@dataclass(frozen=True, slots=True)
class Group:
    """Operations about one thing."""

    id: str
    name: str
    description: str
    operations: list[Operation] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reference:
    """The whole API."""

    title: str
    description: str
    groups: list[Group]
    errors: list[Answer]  # one per status; operations name theirs by status alone
    schemas: list[SchemaView]


def api_reference(spec: Json, base_url: str) -> Reference:
    """Arrange an OpenAPI document for reading."""
    info = spec.get("info", {})
    schemas = Schemas(spec)
    groups = _groups(schemas, base_url)
    return Reference(
        info.get("title", "API"), info.get("description", ""), groups, _errors(groups), schemas.views()
    )


def _errors(groups: list[Group]) -> list[Answer]:
    """Every error some operation may answer with, told once."""
    found = {
        answer.status: answer
        for group in groups
        for operation in group.operations
        for answer in operation.errors
    }
    return [found[status] for status in sorted(found)]


def anchor(*parts: str) -> str:
    """An id for a place on the page."""
    text = "-".join(parts).lower()
    return "".join(c if c.isalnum() else "-" for c in text).strip("-")


def _groups(schemas: Schemas, base_url: str) -> list[Group]:
    described = {tag["name"]: tag.get("description", "") for tag in schemas.spec.get("tags", [])}
    groups = {name: Group(anchor(name), name, text) for name, text in described.items()}
    for path, item in schemas.spec.get("paths", {}).items():
        for method in (method for method in METHODS if method in item):
            name = (item[method].get("tags") or ["Other"])[0]
            group = groups.setdefault(name, Group(anchor(name), name, ""))
            group.operations.append(_operation(schemas, base_url, path, method))
    return [group for group in groups.values() if group.operations]


def _operation(schemas: Schemas, base_url: str, path: str, method: str) -> Operation:
    item = schemas.spec["paths"][path]
    source = item[method]
    parameters = [*item.get("parameters", []), *source.get("parameters", [])]
    answers = [
        _answer(schemas, status, entry) for status, entry in sorted(source.get("responses", {}).items())
    ]
    return Operation(
        id=anchor(method, path),
        method=method.upper(),
        path=path,
        summary=source.get("summary", ""),
        description=source.get("description", ""),
        parameters=[_parameter(schemas, entry) for entry in parameters],
        body=_body(schemas, source),
        answers=[answer for answer in answers if answer.status < FIRST_ERROR],
        errors=[answer for answer in answers if answer.status >= FIRST_ERROR],
        curl=curl_example(schemas.spec, base_url, path, method, source),
    )


def _parameter(schemas: Schemas, entry: Json) -> Parameter:
    entry = schemas.resolve(entry)
    schema = entry.get("schema", {})
    return Parameter(
        name=entry["name"],
        place=entry["in"],
        type=schemas.type_text(schema),
        required=bool(entry.get("required")),
        description=entry.get("description") or schema.get("description", ""),
    )


def _body(schemas: Schemas, source: Json) -> Body | None:
    content = schemas.resolve(source.get("requestBody", {})).get("content", {})
    for media_type, entry in content.items():
        return Body(media_type, schemas.fields(entry.get("schema", {})))
    return None


def _answer(schemas: Schemas, status: str, entry: Json) -> Answer:
    answer = schemas.resolve(entry)
    content = answer.get("content", {})
    media_type = PROBLEM if PROBLEM in content else next(iter(content), "")
    schema = content.get(media_type, {}).get("schema", {})
    text = schemas.type_text(schema) if schema else media_type
    return Answer(status, answer.get("description", ""), text, schemas.link(schema))
