"""Lay the kit into a folder: what goes out as it is, the golden payloads, the schema and its page, and curl lines."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from gateway.core.claims.told import claim_schema
from gateway.errors import WrongUse
from gateway.kit.payloads import KEY, OLD_KEY, TIMESTAMP, GoldenPayload, golden_payloads, known_headers
from gateway.kit.schema_page import schema_page

FILES: Final = Path(__file__).parent / "files"
"""What goes out as it is."""

PAYLOADS: Final = FILES / "payloads"
_ADDRESS: Final = "http://127.0.0.1:8610"


def write_kit(folder: Path) -> list[Path]:
    """Write the kit into a new folder, or an empty one; returns its files. Raises WrongUse where something is there."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WrongUse(f"{folder} 已有内容，请给一个新目录 (give a new folder)")
    shutil.copytree(FILES, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    schema = claim_schema()
    vectors = json.loads((folder / "payloads" / "vectors.json").read_text(encoding="utf-8"))
    texts = {
        "claim-1.schema.json": json.dumps(schema, ensure_ascii=False, indent=2) + "\n",
        "schema.html": schema_page(schema),
        "curl.sh": curl_lines(vectors["payloads"]),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return sorted(file for file in folder.rglob("*") if file.is_file())


def payload_files() -> dict[str, bytes]:
    """Name → content of every file of `payloads`, as this program makes them."""
    payloads = golden_payloads()
    index = {
        "note": "密钥人人都有，只用于样本；须按原始字节验签 (a key everybody has: never for real claims)",
        "secret": KEY,
        "old_secret": OLD_KEY,
        "timestamp": TIMESTAMP,
        "payloads": [
            {"file": payload.file, "words": payload.words, "headers": payload.headers} for payload in payloads
        ],
        "must_fail": _must_fail(payloads),
    }
    text = json.dumps(index, ensure_ascii=False, indent=2) + "\n"
    return {payload.file: payload.body for payload in payloads} | {"vectors.json": text.encode()}


def _must_fail(payloads: Sequence[GoldenPayload]) -> list[dict[str, Any]]:
    """Requests that a receiver has to refuse, each for one reason."""
    first, second = payloads[0], payloads[1]
    moved = {**first.headers, "webhook-timestamp": str(TIMESTAMP + 1)}
    wrong: dict[str, dict[str, Any]] = {
        "报文被换成另一份": {"file": second.file, "headers": first.headers},
        "时间被改": {"file": first.file, "headers": moved},
        "编号被改": {"file": first.file, "headers": {**first.headers, "webhook-id": f"{first.name}-v9"}},
        "别的密钥签的": {"file": first.file, "headers": known_headers(first, OLD_KEY)},
        "一小时以前签的": {"file": first.file, "headers": first.headers, "now": TIMESTAMP + 3600},
        "没有签名": {"file": first.file, "headers": {**first.headers, "webhook-signature": ""}},
    }
    return [{"words": words, **request} for words, request in wrong.items()]


def curl_lines(vectors: Sequence[dict[str, Any]]) -> str:
    """A shell script that sends every golden payload, with the signatures as they are, to a receiver's address."""
    lines = [
        "#!/bin/sh",
        "# 把30份样本原样发给接收程序；样本的时间戳是固定的，接收程序须先不核对时间（receiver.py --vectors）。",
        f"# sh curl.sh [地址]，缺省 {_ADDRESS}；在本目录里运行。",
        'address="${1:-' + _ADDRESS + '}"',
    ]
    for vector in vectors:
        headers = " ".join(f"-H {shlex.quote(f'{name}: {value}')}" for name, value in vector["headers"].items())
        lines.append(f"# {vector['words']}")
        lines.append(f'curl -sS -X POST "$address/claims" {headers} --data-binary @payloads/{vector["file"]}; echo')
    return "\n".join(lines) + "\n"
