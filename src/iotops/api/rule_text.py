"""Rule files over the wire: YAML as it is, or as the member `text` of a JSON object."""

from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, ValidationError

from iotops.api.problems import Problem

_EXAMPLE = "rules:\n  - alert: freezer_warm\n    when: temp > -15\n    for: 5m\n"
RULE_TEXT_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        # One type in the document: generated clients stumble over a choice of bodies.
        "description": "The text as `application/yaml` or `text/plain`, just as the file is, is read too.",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["text"],
                    "additionalProperties": False,
                    "properties": {"text": {"type": "string", "examples": [_EXAMPLE]}},
                }
            },
        },
    }
}


class _TextBody(BaseModel):
    model_config = ConfigDict(extra="forbid")  # and not a space stripped: findings name places in it

    text: str


async def _rule_text(request: Request) -> str:
    body = await request.body()
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json":
        try:
            return _TextBody.model_validate_json(body).text
        except ValidationError as error:
            detail = "; ".join(
                f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['msg']}" for fault in error.errors()
            )
            raise Problem("validation_failed", f'expected {{"text": "..."}}; {detail}') from error
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem("malformed_body", f"a rule file is UTF-8 text; byte {error.start} is none") from error


RuleText = Annotated[str, Depends(_rule_text)]
