"""kind → class, for the `kind` of settings files. The composition root builds from here and nowhere else."""

from __future__ import annotations

from typing import Final

from connectors.associations.http_json import HttpJson
from connectors.feeds.cloud_line import CloudLine
from connectors.feeds.folder import Folder
from connectors.feeds.push import Push

FEEDS: Final[dict[str, type]] = {"cloud-line": CloudLine, "folder": Folder, "push": Push}
"""Every way of taking settlement records in. Options are plain keyword arguments, secrets already read."""

ASSOCIATIONS: Final[dict[str, type]] = {"http-json": HttpJson}
"""Every way of handing claims over."""
