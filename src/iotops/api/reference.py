"""The reference page at `/docs`, rendered here from the OpenAPI document: it needs no network and no script."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader

from iotops.api.problems import PROBLEMS

_PAGES = Environment(loader=PackageLoader("iotops.api"), autoescape=True, trim_blocks=True, lstrip_blocks=True)


def render_reference(document: Mapping[str, Any]) -> str:
    """Return the page that lists every operation, its parameters, body, answers and problems."""
    operations = list(_operations(document))
    tags = dict.fromkeys(operation["tag"] for operation in operations)
    groups = {tag: [operation for operation in operations if operation["tag"] == tag] for tag in tags}
    schemas = {name: list(_members(schema)) for name, schema in document["components"]["schemas"].items()}
    return _PAGES.get_template("reference.html").render(
        info=document["info"], groups=groups, schemas=schemas, problems=PROBLEMS
    )


def _operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {})
            yield {
                "tag": operation["tags"][0],
                "method": method.upper(),
                "path": path,
                "id": operation["operationId"],
                "summary": operation.get("summary", ""),
                "description": operation.get("description", ""),
                "role": operation.get("x-role"),
                "parameters": [
                    {**parameter, "type": _type(parameter["schema"])} for parameter in operation.get("parameters", ())
                ],
                "body": {media: _type(content.get("schema", {})) for media, content in body.items()},
                "examples": [
                    json.dumps(content["example"], ensure_ascii=False)
                    for content in body.values()
                    if "example" in content
                ],
                "answers": {status: answer["description"] for status, answer in operation["responses"].items()},
            }


def _members(schema: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, member in schema.get("properties", {}).items():
        yield {"name": name, "type": _type(member), "description": member.get("description", "")}


def _type(schema: Mapping[str, Any]) -> str:
    """Return a schema in a few words: `integer or null`, `list of Incident`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(_type(option) for option in options))
    if values := schema.get("enum"):
        return " | ".join(map(str, values))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("const") or schema.get("type", "anything"))
