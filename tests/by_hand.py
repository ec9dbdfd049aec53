"""Connectors made without a site: an option that names a secret is the secret itself, and folders are paths."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from connectors.associations.fhir_claim import FhirClaim, FhirClaimSpec
from connectors.associations.file_drop import (
    ClaimDrop,
    FileDropSpec,
    SftpDropSpec,
    make_file_drop,
    make_sftp_drop,
)
from connectors.associations.http_json import HttpJson, HttpJsonSpec
from connectors.feeds.cloud_line import CloudLine, CloudLineSpec
from connectors.feeds.database import Database, DatabaseSpec
from connectors.feeds.folder import Folder, FolderSpec
from connectors.feeds.gzip_file import GzipFolder, GzipFolderSpec, GzipSftp, GzipSftpSpec
from connectors.feeds.push import Push, PushSpec
from connectors.feeds.queue import Queue, QueueSpec
from connectors.feeds.sealed_zip import SealedZip, SealedZipSpec
from connectors.feeds.sftp import Sftp, SftpSpec
from connectors.transport.msgid import MessageIds
from gateway.ports import ConnectorSpec, FileRows, Surroundings


def cloud_line(**options: Any) -> CloudLine:
    spec = _taken(CloudLineSpec, options)
    around = _around("cloud-line", options, "clock", "per_second", "per_day")
    return CloudLine(spec, around, **{"next_msgid": MessageIds(spec.facility_no), **options})


def database(**options: Any) -> Database:
    spec = _taken(DatabaseSpec, options)
    return Database(spec, _around("database", options, "clock"), **options)


def drop_folder(**options: Any) -> Folder:
    spec = _taken(FolderSpec, options)
    return Folder(spec, _around("folder", options, "with_header", "rows", "kept_name"), **options)


def gzip_folder(**options: Any) -> GzipFolder:
    spec = _taken(GzipFolderSpec, options)
    return GzipFolder(spec, _around("gzip-folder", options, "with_header", "rows", "kept_name"), **options)


def gzip_sftp(**options: Any) -> GzipSftp:
    spec = _taken(GzipSftpSpec, options)
    return GzipSftp(spec, _around("gzip-sftp", options, "with_header", "rows", "kept_name"), **options)


def push(**options: Any) -> Push:
    spec = _taken(PushSpec, options)
    return Push(spec, _around("push", options), **options)


def queue(**options: Any) -> Queue:
    spec = _taken(QueueSpec, options)
    return Queue(spec, _around("queue", options), **options)


def sealed_zip(**options: Any) -> SealedZip:
    spec = _taken(SealedZipSpec, options)
    return SealedZip(spec, _around("sealed-zip", options, "with_header", "rows", "kept_name"), **options)


def sftp(**options: Any) -> Sftp:
    spec = _taken(SftpSpec, options)
    return Sftp(spec, _around("sftp", options, "with_header", "rows", "kept_name"), **options)


def http_json(**options: Any) -> HttpJson:
    spec = _taken(HttpJsonSpec, options)
    return HttpJson(spec, _around("http-json", options, "accepted", "sealing"), **options)


def fhir_claim(**options: Any) -> FhirClaim:
    spec = _taken(FhirClaimSpec, options)
    return FhirClaim(spec, _around("fhir-claim", options, "accepted"), **options)


def file_drop(**options: Any) -> ClaimDrop:
    spec = _taken(FileDropSpec, options)
    return make_file_drop(spec, _around("file-drop", options, "sealing"), **options)


def file_drop_sftp(**options: Any) -> ClaimDrop:
    spec = _taken(SftpDropSpec, options)
    return make_sftp_drop(spec, _around("file-drop-sftp", options), **options)


_SITES = TemporaryDirectory(prefix="by-hand-")
_numbers = count()


def _taken(spec: type[Any], options: dict[str, Any]) -> Any:
    """The options of a settings file among these; what is left goes to the constructor."""
    assert issubclass(spec, ConnectorSpec)
    return spec(**{name: options.pop(name) for name in spec.__struct_fields__ if name in options})


def _around(name: str, options: dict[str, Any], *keys: str) -> Surroundings:
    given = {
        "name": name,
        "site": Path(_SITES.name) / str(next(_numbers)),
        "clock": lambda: datetime.now(ZoneInfo("Asia/Shanghai")),
    }
    given |= {key: options.pop(key) for key in ("name", *keys) if key in options}
    if "with_header" in given:
        given["rows"] = FileRows(with_header=given.pop("with_header"))
    return Surroundings(read_secret=str, **{"kept_name": str, **given})
