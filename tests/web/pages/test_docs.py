"""The API reference follows the OpenAPI document."""

from __future__ import annotations

import re

from flask.testing import FlaskClient

from web.api.field_words import undescribed
from web.pages.present.api_reference import api_reference
from web.pages.present.prose import prose

SPEC = {
    "info": {"title": "Shop", "description": "Sells `things`."},
    "tags": [{"name": "Orders"}],
    "paths": {
        "/orders/{id}": {
            "put": {
                "tags": ["Orders"],
                "summary": "Change an order",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OrderIn"}}}
                },
                "responses": {
                    "200": {
                        "description": "Changed",
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/X.OrderOut"}}
                        },
                    },
                    "409": {"description": "It was shipped"},
                },
            }
        }
    },
    "components": {
        "schemas": {
            "OrderIn": {
                "type": "object",
                "required": ["note"],
                "properties": {"note": {"type": "string", "maxLength": 9}, "gift": {"type": "boolean"}},
            },
            "X.OrderOut": {
                "type": "object",
                "properties": {
                    "state": {"$ref": "#/components/schemas/X.State"},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/X.OrderOut"}},
                },
            },
            "X.State": {"enum": ["open", "shipped"]},
            "Unused": {"type": "object", "properties": {"a": {"type": "string"}}},
        }
    },
}


def test_operations_are_grouped_with_what_they_take_and_answer() -> None:
    (group,) = api_reference(SPEC, "http://shop").groups
    (operation,) = group.operations
    assert (group.name, operation.method, operation.path) == ("Orders", "PUT", "/orders/{id}")
    assert [answer.status for answer in operation.answers] == ["200"]
    assert [answer.status for answer in operation.errors] == ["409"]
    assert operation.body is not None
    assert [(row.name, row.optional) for row in operation.body.fields] == [("note", False), ("gift", True)]
    assert operation.body.fields[0].description == "At most 9 characters."


def test_objects_have_short_names_and_may_contain_themselves() -> None:
    (order,) = api_reference(SPEC, "http://shop").schemas
    assert order.name == "Order"
    assert [row.type for row in order.fields] == ['"open" | "shipped"', "list of Order"]


def test_every_operation_has_a_line_to_paste() -> None:
    operation = api_reference(SPEC, "http://shop").groups[0].operations[0]
    assert operation.curl.startswith("curl -X PUT http://shop/orders/{id}")
    assert """-d '{"note": "text"}'""" in operation.curl
    assert "Authorization: Bearer $HANGTAG_API_KEY" in operation.curl


def test_code_in_descriptions_is_marked_and_everything_else_escaped() -> None:
    assert prose("Use `a<b` <now>") == "Use <code>a&lt;b</code> &lt;now&gt;"
    assert prose("one ` tick") == "one ` tick"


def test_the_pages_show_the_real_api(client: FlaskClient) -> None:
    overview = client.get("/api/docs").text
    assert 'href="/api/docs/classifications#post--api-v1-classifications"' in overview
    photos = client.get("/api/docs/classifications").text
    assert "/api/v1/classifications" in photos
    assert "-F photo=@photo.jpg" in photos
    assert 'href="/api/docs/objects#object-Classification"' in photos
    assert 'id="object-Classification"' in client.get("/api/docs/objects").text


def test_the_contents_begin_with_what_a_developer_does_first_and_end_with_what_is_for_operators(
    client: FlaskClient,
) -> None:
    page = client.get("/api/docs").text
    contents = page[page.index('class="contents"') : page.index("</nav>", page.index('class="contents"'))]
    links = re.findall(r'href="/api/docs/[\w-]+#([\w-]+)"', contents)
    groups = re.findall(r'<h2><a href="/api/docs/([\w-]+)"', contents)
    spec = client.get("/api/v1/openapi.json").json
    operations = sum(method != "parameters" for path in spec["paths"].values() for method in path)
    assert links[:2] == ["post--api-v1-classifications", "get--api-v1-jobs--job-id"]
    assert groups[:5] == ["classifications", "jobs", "batches", "listings", "photos"]
    assert groups[-4:] == ["people", "audit", "health", "objects"]
    assert len(links) == len(set(links)) == operations
    deletion = links.index("delete--api-v1-photos--photo-id")
    assert links.index("get--api-v1-photos--photo-id") < deletion
    assert [tag["name"] for tag in spec["tags"]] == list(dict.fromkeys(tag["name"] for tag in spec["tags"]))


def test_every_part_of_the_contents_is_a_page(client: FlaskClient) -> None:
    parts = set(re.findall(r'href="(/api/docs/[^"#]+)"', client.get("/api/docs").text))
    assert len(parts) > 10
    assert {client.get(part).status_code for part in parts} == {200}
    assert client.get("/api/docs/nothing").status_code == 404


def test_every_field_says_what_it_is_and_every_body_that_it_may_come_too_slowly(client: FlaskClient) -> None:
    spec = client.get("/api/v1/openapi.json").json
    nameless = [f"{schema}.{field}" for schema, field, _ in undescribed(spec["components"]["schemas"])]
    assert not nameless, "Describe these beside the field, or in web/api/field_words.py."
    assert "408" in spec["paths"]["/api/v1/batches"]["post"]["responses"]
    assert "405" in spec["info"]["description"]
    not_taken = client.put("/api/v1/batches")
    assert (not_taken.status_code, not_taken.json["code"]) == (405, "method_not_allowed")
    assert "POST" in not_taken.headers["Allow"]
