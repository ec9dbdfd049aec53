"""Every way of speaking by its kind, one line each: what `kind` may say in the settings files."""

from __future__ import annotations

from typing import Final

from connectors.associations import fhir_claim, file_drop, http_json, pull
from connectors.feeds import (
    cloud_line,
    daily_job,
    database,
    folder,
    gzip_file,
    national_list,
    open_platform_list,
    push,
    queue,
    sealed_zip,
    sftp,
    soap_list,
    statement_diff,
    xml_list,
)
from gateway.ports import Registry

REGISTRY: Final = Registry(
    feeds={
        "cloud-line": cloud_line.WAY,
        "daily-job": daily_job.WAY,
        "database": database.WAY,
        "folder": folder.WAY,
        "gzip-folder": gzip_file.FOLDER_WAY,
        "gzip-sftp": gzip_file.SFTP_WAY,
        "national-list": national_list.WAY,
        "open-platform": open_platform_list.WAY,
        "push": push.WAY,
        "queue": queue.WAY,
        "sealed-zip": sealed_zip.WAY,
        "sftp": sftp.WAY,
        "soap-list": soap_list.WAY,
        "statement-diff": statement_diff.WAY,
        "xml-list": xml_list.WAY,
    },
    deliveries={
        "fhir-claim": fhir_claim.WAY,
        "file-drop": file_drop.FOLDER_WAY,
        "file-drop-sftp": file_drop.SFTP_WAY,
        "http-json": http_json.WAY,
        "pull": pull.WAY,
    },
)
