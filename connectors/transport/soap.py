"""SOAP by its WSDL: what a question looks like is the service's own description; what comes back stays bytes.

The description is read once from bytes we fetched ourselves. What it names elsewhere (imports, includes) is not
fetched, and a document type is refused: a description comes from outside like everything else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import BytesIO
from typing import Any, Final

import zeep
from zeep.exceptions import Error as SoapLibraryError
from zeep.transports import Transport
from zeep.wsdl.utils import etree_to_string

from connectors.transport.answers import Answers
from gateway.errors import Unavailable

# The library brings its sources but not the types of its functions.
_make_client: Final[Any] = zeep.Client
_written: Final[Any] = etree_to_string

_FAULT: Final = re.compile(r"<(?:\w+:)?Fault\b", re.ASCII)
_FAULT_TEXT: Final = re.compile(r"<(?:\w+:)?(?:faultstring|Text)[^<>]*>([^<]{0,500})", re.ASCII)


class _NothingElse(Transport):
    """Follows no address."""

    def load(self, url: str) -> bytes:
        raise Unavailable("wsdl_imports: 服务描述引用了别处的文件，不予读取 (the WSDL names other files: not followed)")


_no_transport: Final[Any] = _NothingElse


class SoapService:
    """A service as its WSDL describes it. Raises Unavailable for a description that cannot be read."""

    def __init__(self, wsdl: bytes) -> None:
        try:
            settings = zeep.Settings(strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True)
            self._client = _make_client(BytesIO(wsdl), transport=_no_transport(), settings=settings)
        except (SoapLibraryError, ValueError, SyntaxError, KeyError, TypeError, AttributeError):
            raise Unavailable("broken_wsdl: 服务描述不可读 (the WSDL cannot be read)") from None
        if not self._client.wsdl.services:
            raise Unavailable("broken_wsdl: 服务描述中没有服务 (the WSDL describes no service)")

    def question(self, operation: str, arguments: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
        """Headers and body of one call. Raises Unavailable where the service has no such operation or argument."""
        try:
            body: bytes = _written(self._client.create_message(self._client.service, operation, **arguments))
            action = self._client.service._binding.get(operation).soapaction or ""
        except (SoapLibraryError, ValueError, KeyError, TypeError, AttributeError):
            raise Unavailable("wsdl_differs: 服务描述中没有这个操作或参数 (not in the WSDL)") from None
        return {"content-type": "text/xml; charset=utf-8", "soapaction": f'"{action}"'}, body


def refuse_fault(content: bytes, answers: Answers) -> None:
    """Act on a SOAP fault as the table says, by its words. Raises what `Answers.act` raises."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("gb18030", "replace")
    if not _FAULT.search(text):
        return
    words = _FAULT_TEXT.search(text)
    meaning = answers.meaning("fault", words[1] if words else "", good=False)
    if meaning not in ("accept", "nothing"):
        answers.act(meaning, "fault", content)
