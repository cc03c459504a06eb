"""A curl line for an operation of the API, ready to be pasted."""

from __future__ import annotations

import json
import shlex
from typing import Any

Json = dict[str, Any]
EXAMPLES: dict[str, Any] = {"string": "text", "integer": 1, "number": 0.5, "boolean": True}


def curl_example(spec: Json, base_url: str, path: str, method: str, source: Json) -> str:
    """One way to call an operation from a shell."""
    parts = [f"curl {base_url}{path}"]
    if method != "get" and not (method == "post" and "requestBody" in source):
        parts[0] = f"curl -X {method.upper()} {base_url}{path}"
    if source.get("security") != []:
        parts.append('-H "Authorization: Bearer $HANGTAG_API_KEY"')
    parts += _body_options(spec, source)
    return " \\\n  ".join(parts)


def _body_options(spec: Json, source: Json) -> list[str]:
    for media_type, entry in source.get("requestBody", {}).get("content", {}).items():
        schema = _followed(spec, entry.get("schema", {}))
        if "multipart" in media_type:
            return [f"-F {name}=@photo.jpg" for name in _files(schema)]
        body = json.dumps(_example(spec, schema), ensure_ascii=False)
        return ['-H "Content-Type: application/json"', f"-d {shlex.quote(body)}"]
    return []


def _files(schema: Json) -> list[str]:
    properties = schema.get("properties", {})
    required = schema.get("required", [])
    return [name for name in properties if name in required] or list(properties)[:1]


def _example(spec: Json, schema: Json) -> Any:
    """The example a schema brings, or one made from its required members."""
    schema = _followed(spec, schema)
    for key in ("example", "default", "const"):
        if key in schema:
            return schema[key]
    if schema.get("examples"):
        return schema["examples"][0]
    if schema.get("enum"):
        return schema["enum"][0]
    if "properties" in schema:
        names = schema.get("required") or list(schema["properties"])[:1]
        return {name: _example(spec, schema["properties"][name]) for name in names}
    return EXAMPLES.get(str(schema.get("type")), "text")


def _followed(spec: Json, schema: Json) -> Json:
    ref = schema.get("$ref")
    if ref is None:
        return schema
    name = str(ref).rsplit("/", 1)[-1]
    return dict(spec.get("components", {}).get("schemas", {}).get(name, {}))
