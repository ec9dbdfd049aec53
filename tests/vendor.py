"""Takes the files of others that the pages need out of their published packages: `make vendor`.

`gateway/web/static/vendor/manifest.json` names each package, its version, licence and the integrity of its archive, and
of every file its place in the archive and its digest. An archive that is not the one named is refused. The archives
come through npm, the ordinary client of where these packages are published; nothing but this needs it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "gateway" / "web" / "static" / "vendor"
MANIFEST = FOLDER / "manifest.json"


def archive(name: str, version: str, into: Path) -> bytes:
    """The published archive of a package."""
    named = f"{name}@{version}"
    subprocess.run(["npm", "pack", "--silent", "--pack-destination", str(into), named], check=True)
    [file] = into.glob("*.tgz")
    content = file.read_bytes()
    file.unlink()
    return content


def take_out(package: dict[str, Any], content: bytes) -> None:
    """Write a package's files where they belong. Ends the program where the archive, or a file, is another one."""
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
    if integrity != package["integrity"]:
        sys.exit(f"{package['name']} {package['version']}: the archive is not the one of the manifest")
    with tempfile.NamedTemporaryFile(suffix=".tgz") as file:
        file.write(content)
        file.flush()
        with tarfile.open(file.name) as opened:
            for entry in package["files"]:
                member = opened.extractfile(entry["from"])
                data = member.read() if member is not None else b""
                if hashlib.sha256(data).hexdigest() != entry["sha256"]:
                    sys.exit(f"{package['name']}: {entry['from']} is not the one of the manifest")
                target = FOLDER / entry["file"]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
                print(f"{entry['file']}  {len(data)} bytes")


def main() -> None:
    """Every package of the manifest."""
    with tempfile.TemporaryDirectory() as folder:
        for package in json.loads(MANIFEST.read_text(encoding="utf-8"))["packages"]:
            take_out(package, archive(package["name"], package["version"], Path(folder)))


if __name__ == "__main__":
    main()
