#!/usr/bin/env python3
"""接收样例 (a mock receiver): 验签、去重、认版本、回答，只用 Python 标准库。对照它写自己的接收程序。

    python3 receiver.py                        # 按样本的密钥接收，时间戳照样核对
    python3 receiver.py --vectors              # 样本的时间戳是固定的，先不核对时间，配合 curl.sh
    python3 receiver.py --secret-file 密钥文件   # 接真的网关：文件里是 whsec_ 开头的密钥，轮换时两个，以空格分隔
    python3 receiver.py --check payloads       # 不接收，只核对样本的签名

收到的内容只留在内存里；--keep 目录 另存一份原文与报文头，供自己查看。

What a claims system of its own must do, in one file: POST /claims, POST /claims/batch, GET /claims/{id}.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import hmac
import json
import os
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

TOLERANCE_SECONDS = 300
LARGEST_BODY = 16 * 1024 * 1024
VECTORS_KEY = "whsec_YOsVbbK1xx8s47v8/f1JM4T+mkBXG70EvSoKuqAej8c="
"""样本的密钥，人人都有，绝不能用于真的申领 (known to everybody: never for a real claim)."""

CLAIM_ID = re.compile(r"[A-Za-z0-9-]{1,40}", re.ASCII)


class RequestRefused(Exception):
    """A request that is answered with a status and a code; nothing of it was taken."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


def keys_of(secret: str) -> list[bytes]:
    """`whsec_` + base64, one or more parted by spaces → keys. Raises ValueError."""
    try:
        keys = [base64.b64decode(text[len("whsec_") :], validate=True) for text in secret.split()]
    except binascii.Error:
        keys = []
    if not keys or not all(24 <= len(key) <= 64 for key in keys):
        raise ValueError("密钥应为 whsec_ 加 base64 (not a secret of this form)")
    return keys


def signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 over `id.timestamp.body`, the raw bytes as they came."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def verify(keys: list[bytes], headers: Any, body: bytes, now: float | None) -> None:
    """Whether one of our keys signed this, lately. `now`: None leaves the clock out. Raises RequestRefused."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or "." in message_id or not re.fullmatch("[0-9]{1,12}", timestamp):
        raise RequestRefused(401, "not_authentic")
    if now is not None and abs(int(timestamp) - now) > TOLERANCE_SECONDS:
        raise RequestRefused(401, "too_old_or_too_new")
    received = headers.get("webhook-signature", "").split(" ")[:16]
    # Every pair is compared, in constant time: neither key nor signature is guessed by the clock.
    matches = [
        hmac.compare_digest(signature(key, message_id, timestamp, body).encode(), candidate.encode())
        for key in keys
        for candidate in received
    ]
    if not any(matches):
        raise RequestRefused(401, "not_authentic")


class Book:
    """What was taken in: of each claim every version, by the digest of its bytes. A real system has a table here."""

    def __init__(self, keep: Path | None) -> None:
        self.keep = keep
        self.versions: dict[str, dict[int, str]] = {}
        self.lock = Lock()
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True, mode=0o700)

    def take(self, key: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """One version: the status and body to answer with. The same again changes nothing."""
        try:
            claim = json.loads(body)
            claim_id, version = str(claim["claim_id"]), int(claim["version"])
        except (ValueError, KeyError, TypeError):
            return 400, {"code": "not_a_claim"}
        if not CLAIM_ID.fullmatch(claim_id) or key != f"{claim_id}-v{version}":
            return 400, {"code": "key_differs"}
        digest = hashlib.sha256(body).hexdigest()
        with self.lock:
            versions = self.versions.setdefault(claim_id, {})
            if version in versions:
                if versions[version] != digest:
                    return 422, {"claim_id": claim_id, "code": "another_body_under_the_same_key"}
                return 200, {"claim_id": claim_id, "version": version, "status": "accepted"}
            if versions and version < max(versions):
                return 409, {"claim_id": claim_id, "version": max(versions), "code": "already_held"}
            versions[version] = digest
        self.write(f"{claim_id}-v{version}", body, headers)
        sys.stdout.write(f"收下 {claim_id} 第{version}版 {claim.get('status')} {claim.get('payable')} 元\n")
        sys.stdout.flush()
        return 201, {"claim_id": claim_id, "version": version, "status": "accepted"}

    def write(self, name: str, body: bytes, headers: dict[str, str]) -> None:
        """Keep the bytes as they came, for their owner alone."""
        if self.keep is not None:
            for suffix, content in ((".json", body), (".headers.json", json.dumps(headers).encode())):
                with os.fdopen(os.open(self.keep / (name + suffix), os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
                    file.write(content)

    def latest(self, claim_id: str) -> int | None:
        """The highest version versions."""
        with self.lock:
            return max(self.versions.get(claim_id, {}), default=None)


class Handler(BaseHTTPRequestHandler):
    """The three doors of a claims system."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    book: Book
    keys: list[bytes]
    with_clock = True

    def do_POST(self) -> None:
        """Claims, one or several."""
        self.guarded({"/claims": self.one_claim, "/claims/batch": self.batch}.get(self.path))

    def do_GET(self) -> None:
        """Which version of a claim is versions; or how many there are."""
        asked = self.path.startswith("/claims/")
        self.guarded(self.question if asked else self.count if self.path == "/" else None)

    def guarded(self, door: Any) -> None:
        """Answer, whatever comes; the reason of a no is a code and never the content."""
        try:
            if door is None:
                raise RequestRefused(404, "no_such_address")
            status, answer = door()
        except RequestRefused as refused:
            # What was not read to its end must not be taken for the next request.
            self.close_connection = True
            status, answer = refused.status, {"code": refused.code}
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def proved_body(self) -> bytes:
        """The raw body of a signed request. It is read before anything is decided, and parsed only afterwards."""
        length = self.headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit() or int(length) > LARGEST_BODY:
            raise RequestRefused(413, "too_large")
        body = self.rfile.read(int(length))
        verify(self.keys, self.headers, body, time.time() if self.with_clock else None)
        return body

    def one_claim(self) -> tuple[int, Any]:
        """POST /claims."""
        body = self.proved_body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        return self.book.take(headers.get("idempotency-key", ""), body, headers)

    def batch(self) -> tuple[int, Any]:
        """POST /claims/batch: each claim is answered for itself."""
        try:
            items = json.loads(self.proved_body())["claims"]
            # One claim's own bytes are those between its braces; written again they are the same in this form.
            pairs = [(item["idempotency_key"], compact(item["claim"])) for item in items]
        except (ValueError, KeyError, TypeError):
            raise RequestRefused(400, "not_a_batch") from None
        results = []
        for key, body in pairs[:100]:
            status, answer = self.book.take(key, body, {})
            results.append({"idempotency_key": key, "status": status, "body": answer})
        return 200, {"results": results}

    def question(self) -> tuple[int, Any]:
        """GET /claims/{id}: signed too, over an empty body."""
        self.proved_body()
        claim_id = self.path[len("/claims/") :]
        version = self.book.latest(claim_id)
        if version is None:
            return 404, {"claim_id": claim_id, "code": "unknown_claim"}
        return 200, {"claim_id": claim_id, "version": version}

    def count(self) -> tuple[int, Any]:
        """GET /: how much was taken in."""
        return 200, {"claims": len(self.book.versions), "versions": sum(map(len, self.book.versions.values()))}

    def log_message(self, format: str, *args: Any) -> None:
        """No log of addresses: what was taken in is written by the book."""


def compact(value: Any) -> bytes:
    """JSON without spaces, Chinese as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def check(folder: Path) -> int:
    """Hold every golden payload against its signature; returns how many are wrong."""
    index = json.loads((folder / "vectors.json").read_text(encoding="utf-8"))
    keys, wrong = keys_of(index["secret"]), 0
    for vector in index["payloads"] + index["must_fail"]:
        body, expected = (folder / vector["file"]).read_bytes(), vector in index["payloads"]
        try:
            verify(keys, vector["headers"], body, float(vector.get("now", index["timestamp"])))
            is_right = expected
        except RequestRefused:
            is_right = not expected
        wrong += not is_right
        mark = "对" if is_right else "错"
        sys.stdout.write(f"{mark} {vector['file']} {'应通过' if expected else '应拒绝'}：{vector['words']}\n")
    sys.stdout.write(f"{len(index['payloads'])} 份样本、{len(index['must_fail'])} 份反例，{wrong} 处不符\n")
    return wrong


def main() -> int:
    """Receive until Ctrl-C, or check the golden payloads."""
    options = argparse.ArgumentParser(description="接收样例 (a mock receiver)")
    options.add_argument("--port", type=int, default=8610)
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--secret-file", type=Path, help="whsec_ 开头的密钥所在的文件")
    options.add_argument("--keep", type=Path, help="另存收到的原文")
    options.add_argument("--vectors", action="store_true", help="不核对时间，只用于样本")
    options.add_argument("--check", type=Path, help="只核对这个目录里的样本")
    choices = options.parse_args()
    if choices.check is not None:
        return 1 if check(choices.check) else 0
    secret = choices.secret_file.read_text(encoding="utf-8") if choices.secret_file else VECTORS_KEY
    Handler.book, Handler.keys, Handler.with_clock = Book(choices.keep), keys_of(secret), not choices.vectors
    server = ThreadingHTTPServer((choices.host, choices.port), Handler)
    sys.stdout.write(f"接收于 http://{choices.host}:{server.server_port}，Ctrl-C 结束\n")
    sys.stdout.flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
