"""config/gateway.toml: the site itself: database, cipher suite, listening address."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.settings.files import Spec
from gateway.settings.secrets import SecretName


class GatewaySpec(Spec):
    """The site's own settings. `HUBAO_DATABASE_URL` in the environment overrides `database`."""

    version: Annotated[int, Field(ge=1)] = 1
    name: str = "互保网关"
    database: str = "sqlite:///data/hubao.db"
    suite: Literal["aes", "sm4"] = "aes"
    root_key: SecretName = "file:keys/root.key"
    listen_host: str = "127.0.0.1"
    listen_port: Annotated[int, Field(ge=0, le=65535)] = 8600
    batch_rows: Annotated[int, Field(ge=100, le=20000)] = 2000
    processes: Annotated[int, Field(ge=1, le=64)] = 1
    lease_seconds: Annotated[int, Field(ge=5, le=3600)] = 120
