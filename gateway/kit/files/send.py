#!/usr/bin/env python3
"""发送样例 (a mock sender): 像网关一样，把样本签上现在的时间发给你的接收程序，并按网关的规则判断你的回答。只用标准库。

    python3 send.py http://127.0.0.1:8610                          # 30 份样本，样本的密钥
    python3 send.py http://127.0.0.1:8610 --secret-file 密钥文件     # 你的密钥
    python3 send.py http://127.0.0.1:8610 new-inpatient            # 只发一份

每份发两次：第二次是同一幂等键、同一报文，回答也应算收下，而你那边只应有一份。全部收下时以 0 结束。
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from receiver import VECTORS_KEY, keys_of, signature  # type: ignore[import-not-found]  # it lies beside this file


def headers_of(keys: list[bytes], message_id: str, body: bytes) -> dict[str, str]:
    """What the gateway sends with a body, signed now with every key."""
    timestamp = str(int(time.time()))
    return {
        "content-type": "application/json; charset=utf-8",
        "idempotency-key": message_id,
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signature(key, message_id, timestamp, body) for key in keys),
    }


def exchange(request: urllib.request.Request) -> tuple[int, Any]:
    """Status and JSON of an answer; an empty object where it is none."""
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310 - the address is the developer's own.
            status, content = reply.status, reply.read(65536)
    except urllib.error.HTTPError as error:
        status, content = error.code, error.read(65536)
    try:
        fields = json.loads(content)
    except ValueError:
        fields = {}
    return status, fields if isinstance(fields, dict) else {}


def verdict(status: int, fields: dict[str, Any], claim_id: str, version: int) -> str:
    """What the gateway would make of an answer (没有 [accepted] 时的规则)."""
    named = fields.get("claim_id") == claim_id
    present = fields.get("version")
    if 200 <= status < 300:
        is_taken = named and (present is None or (isinstance(present, int) and present >= version))
        return "收下" if is_taken else "证明不了：2xx 而正文没有写明同一 claim_id 与版本"
    if status == 409 and named and isinstance(present, int):
        return "收下" if present >= version else "拒收"
    if 400 <= status < 500 and named:
        return f"拒收 {fields.get('code', '')}"
    return f"暂不可用或不明，网关会再送或来问：{status}"


def main() -> int:
    """Send, twice each, and say what came of it."""
    options = argparse.ArgumentParser(description="发送样例 (a mock sender)")
    options.add_argument("address", help="接收程序的地址，不含 /claims")
    options.add_argument("names", nargs="*", help="只发这些样本")
    options.add_argument("--secret-file", type=Path, help="whsec_ 开头的密钥所在的文件")
    options.add_argument("--payloads", type=Path, default=Path(__file__).parent / "payloads")
    choices = options.parse_args()
    secret = choices.secret_file.read_text(encoding="utf-8") if choices.secret_file else VECTORS_KEY
    index = json.loads((choices.payloads / "vectors.json").read_text(encoding="utf-8"))
    chosen = [vector for vector in index["payloads"] if not choices.names or vector["file"][:-5] in choices.names]
    refused = 0
    for vector in chosen:
        body = (choices.payloads / vector["file"]).read_bytes()
        claim = json.loads(body)
        key = f"{claim['claim_id']}-v{claim['version']}"
        answers = []
        for _ in range(2):
            headers = headers_of(keys_of(secret), key, body)
            request = urllib.request.Request(choices.address.rstrip("/") + "/claims", body, headers)  # noqa: S310
            answers.append(verdict(*exchange(request), claim["claim_id"], claim["version"]))
        refused += answers != ["收下", "收下"]
        sys.stdout.write(f"{' / '.join(answers)}  {vector['file']}：{vector['words']}\n")
    sys.stdout.write(f"{len(chosen)} 份，{len(chosen) - refused} 份两次都收下\n")
    return 1 if refused or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
