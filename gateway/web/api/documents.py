"""What OpenAPI says beyond the routes: bodies, answers, problems and signatures, complete."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from fastapi import FastAPI

from gateway.core.claims.told import SCHEMA_ID, ClaimBody, WithdrawalBody
from gateway.web.problems import KINDS, MEDIA_TYPE, ProblemDetails

OpenApi = dict[str, Any]

_REF = "#/components/schemas/{name}"
_SCHEME: Final = "webhook"
_KEY: Final = "key"

_HEADERS: Final = {
    "webhook-id": (
        "本次请求的编号，重试时不变，只办一次 (the id of the request, the same at every attempt; carried out once)"
    ),
    "webhook-timestamp": "Unix 秒，与网关时钟相差不超过 300 秒 (Unix seconds, within 300 s of the gateway's clock)",
    "webhook-signature": (
        "v1,base64(HMAC-SHA256(密钥, id.timestamp.body))，可有多个，以空格分隔；GET 以 `GET 路径?查询` 代替 body "
        "(one or more; a GET signs `GET path?query` in place of the body)"
    ),
}

_KEY_TEXT: Final = (
    "hubao access new 生成的密钥，只对一个协会、所列用途 (x-verb) 有效；协会文件写 signed_too = true 的另须签名 "
    "(a key made by hubao access new, good for one association and the verbs it was made for)"
)

_PUBLISHED: Final = {
    "DecisionTaken": "Decided",
    "ReplacedProposal": "Replaced",
    "ReviewResult": "Outcome",
    "ReviewVerdict": "Verdict",
    "ShownAnswer": "Spoken",
    "ShownCandidate": "Candidate",
}
"""The names some schemas were published under: clients are generated from the document, so these stay."""

_documented: set[type[msgspec.Struct]] = {ProblemDetails, ClaimBody, WithdrawalBody}


def _content(kind: type[msgspec.Struct], media_type: str = "application/json") -> OpenApi:
    _documented.add(kind)
    name = _PUBLISHED.get(kind.__name__, kind.__name__)
    return {media_type: {"schema": {"$ref": _REF.format(name=name)}}}


def answers(kind: type[msgspec.Struct], text: str, *, status: int = 200) -> dict[int | str, OpenApi]:
    """A good answer, for `responses` of a route."""
    return {status: {"description": text, "content": _content(kind)}}


def problems(*codes: str) -> dict[int | str, OpenApi]:
    """The problems a route may answer with, for `responses`; whatever else goes wrong is a problem too."""
    content = _content(ProblemDetails, MEDIA_TYPE)
    answers: dict[int | str, OpenApi] = {"default": {"description": "其他问题 (any other problem)", "content": content}}
    for code in (*codes, "internal"):
        status, title = KINDS[code]
        answer = answers.get(status)
        description = f"{answer['description']}; {code}: {title}" if answer else f"{code}: {title}"
        answers[status] = {"description": description, "content": content}
    return answers


def signed(body: OpenApi | None = None, *, or_key: str | None = None) -> OpenApi:
    """`openapi_extra` of a route whose requests are signed with Standard Webhooks; `or_key`: what a key that is sent in
    place of a signature must be for."""
    headers = [
        {
            "name": name,
            "in": "header",
            "required": or_key is None,
            "description": text,
            "schema": {"type": "string"},
        }
        for name, text in _HEADERS.items()
    ]
    extra: OpenApi = {"parameters": headers, "security": [{_SCHEME: []}]}
    if or_key is not None:
        extra["security"] = [{_KEY: []}, {_SCHEME: []}]
        extra["x-verb"] = or_key
    return extra | ({"requestBody": body} if body else {})


def json_body(kind: type[msgspec.Struct]) -> OpenApi:
    """A request body of this kind."""
    return {"required": True, "content": _content(kind)}


def stream_of(*media_types: str, text: str) -> OpenApi:
    """A request body that is taken in as it comes."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in media_types}
    return {"required": True, "description": text, "content": content}


def any_body(text: str) -> OpenApi:
    """A request body in the sender's own words, kept as it comes."""
    anything = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
    # Nothing at all is kept as well, and a person told that it cannot be read.
    return {"required": False, "description": text, "content": anything}


def _webhooks() -> OpenApi:
    """What the gateway sends to an association: every version of a claim, each in effect once."""
    bodies = [{"$ref": _REF.format(name=kind.__name__)} for kind in (ClaimBody, WithdrawalBody)]
    key = {"name": "idempotency-key", "in": "header", "required": True, "schema": {"type": "string"}}
    key["description"] = "申领号与版本，重试时不变 (claim id and version, the same at every attempt)"
    operation = {
        "summary": "预填申领的一个版本 (one version of a pre-filled claim)",
        "description": f"JSON Schema 2020-12：{SCHEMA_ID}；未知字段应予忽略 (pass over fields you do not know).",
        **signed({"required": True, "content": {"application/json": {"schema": {"anyOf": bodies}}}}),
        "responses": {
            "2XX": {"description": "已收下，答复须含 claim_id (accepted: the answer names the claim)"},
            "409": {"description": "已有更高版本，答复含 version (a higher version is held)"},
            "422": {"description": "不予收下，答复须含 claim_id (refused: the answer names the claim)"},
        },
    }
    operation["parameters"] = [key, *operation["parameters"]]
    return {"claim": {"post": operation}}


def complete(app: FastAPI) -> None:
    """The app's OpenAPI document gets the schemas the routes refer to."""
    plain = app.openapi

    def openapi() -> OpenApi:
        document = plain()
        parts = document.setdefault("components", {})
        kinds = sorted(_documented, key=lambda kind: kind.__name__)
        schemas = msgspec.json.encode(msgspec.json.schema_components(kinds, ref_template=_REF)[1]).decode()
        for name, published in _PUBLISHED.items():
            for before, after in ((f'"{name}"', f'"{published}"'), (f'/{name}"', f'/{published}"')):
                schemas = schemas.replace(before, after)
        parts["schemas"] = msgspec.json.decode(schemas)
        text = "Standard Webhooks: HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}`"
        key = {"type": "apiKey", "in": "header", "name": "webhook-signature", "description": text}
        bearer = {"type": "http", "scheme": "bearer", "description": _KEY_TEXT}
        parts["securitySchemes"] = {_SCHEME: key, _KEY: bearer}
        document["webhooks"] = _webhooks()
        return document

    app.openapi = openapi  # type: ignore[method-assign]
