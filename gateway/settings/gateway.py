"""config/gateway.toml: the site itself: database, cipher suite, listening address."""

from __future__ import annotations

from datetime import time
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from gateway.core.accounts.lasting import AccountLimits
from gateway.core.watching.expectation import Limits
from gateway.ports import SecretName
from gateway.settings.files import Spec
from gateway.settings.secrets import NamedSecret


class MatchingChoice(Spec):
    """Which model file of config/matching is in force; left out, the newest. `look_further`: whether somebody whose
    number is sound and nobody's is looked for by name and birth date too ("always"), or only masked, wrong and
    missing numbers are ("unsound")."""

    model: Annotated[str | None, Field(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9}){0,3}$")] = None
    look_further: Literal["always", "unsound"] = "unsound"


class ReviewSpec(Spec):
    """How doubts are decided. Above this many yuan a settlement is a member's only once a second person says so."""

    second_person_above: Annotated[Decimal, Field(ge=0, lt=Decimal(10) ** 12, decimal_places=2)] = Decimal("10000.00")


class KeysSpec(Spec):
    """How keys end. Those of pages that are all gone rest for so many days before they are destroyed."""

    rest_days: Annotated[int, Field(ge=0, le=90)] = 7


class HoldsSpec(Spec):
    """When changes wait for a person: where one cause (a file, a night, an import, a replay) would withdraw or lower
    more than this share of an association's claims in force, and at least so many. Above `second_above` yuan lost a
    second person confirms. What waits keeps its pages for so many days beyond their own end."""

    share: Annotated[float, Field(ge=0, le=1)] = 0.02
    claims: Annotated[int, Field(ge=1, le=1_000_000)] = 3
    second_above: Annotated[Decimal, Field(ge=0, lt=Decimal(10) ** 12, decimal_places=2)] = Decimal("20000.00")
    keep_days: Annotated[int, Field(ge=0, le=3650)] = 60


class QuietHours(Spec):
    """From when to when no alarm goes, by the clock of Asia/Shanghai; over midnight where it ends before it begins.
    What comes meanwhile is told afterwards."""

    begin: time
    end: time

    def hold(self, now: time) -> bool:
        """Whether it is quiet at this hour."""
        if self.begin <= self.end:
            return self.begin <= now < self.end
        return now >= self.begin or now < self.end


class AlarmsSpec(Spec):
    """Where findings to act on are told outside. `to`: secrets that each hold an address (mail, webhook, WeCom,
    DingTalk, Feishu: see config/README.md); none: nothing is told. Findings are grouped: at least `group_minutes`
    lie between two messages. The same subject is told again after `again_hours` at the earliest."""

    to: Annotated[tuple[NamedSecret, ...], Field(max_length=8)] = ()
    quiet: QuietHours | None = None
    group_minutes: Annotated[int, Field(ge=1, le=1440)] = 10
    again_hours: Annotated[int, Field(ge=1, le=8760)] = 24


Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=0, le=365)]


class FindingsSpec(Spec):
    """From when on what waits is for a person to act on: the oldest item's age in days, or the share of the newest
    day's rows; and how long beforehand the end of an agreement is said."""

    quarantine_days: Days = 7
    quarantine_share: Share = 0.1
    review_days: Days = 14
    review_share: Share = 0.5
    agreement_days: Days = 30
    refund_days: Days = 7

    def plain(self) -> Limits:
        """The same for the core."""
        return Limits(**self.model_dump())


class AccountsSpec(Spec):
    """Accounts of people: how many days a password lives; after how many failures an account is locked, for how many
    minutes; after how many minutes without use a session ends (`clerk_idle_minutes`: of clerks and reviewers), and
    after how many hours in any case; whether everybody must have a second factor. More rows than `export_alone` leave
    only once a second person has confirmed."""

    password_days: Annotated[int, Field(ge=1, le=90)] = 90
    failures: Annotated[int, Field(ge=3, le=5)] = 5
    lock_minutes: Annotated[int, Field(ge=10, le=1440)] = 30
    idle_minutes: Annotated[int, Field(ge=1, le=30)] = 15
    clerk_idle_minutes: Annotated[int, Field(ge=1, le=60)] = 30
    session_hours: Annotated[int, Field(ge=1, le=24)] = 12
    second_factor: bool = True
    export_alone: Annotated[int, Field(ge=0, le=1_000_000)] = 100

    def plain(self) -> AccountLimits:
        """The same for the core, but for what the flow asks itself."""
        return AccountLimits(**self.model_dump(exclude={"export_alone"}))


class MetricsSpec(Spec):
    """Figures for Prometheus under `/metrics`. `token`: the secret that whoever fetches them brings as a bearer token;
    left out, there are none to fetch."""

    token: NamedSecret | None = None


class GatewaySpec(Spec):
    """The site's own settings. `HUBAO_DATABASE_URL` in the environment overrides `database`.
    `insecure_http`: why it may listen beyond this machine without TLS in front."""

    version: Annotated[int, Field(ge=1)] = 1
    name: str = "互保网关"
    database: str = "sqlite:///data/hubao.db"
    suite: Literal["aes", "sm4"] = "aes"
    root_key: NamedSecret = SecretName("file:keys/root.key")
    listen_host: str = "127.0.0.1"
    listen_port: Annotated[int, Field(ge=0, le=65535)] = 8600
    insecure_http: Annotated[str, Field(max_length=80)] = ""
    batch_rows: Annotated[int, Field(ge=100, le=20000)] = 2000
    processes: Annotated[int, Field(ge=1, le=64)] = 1
    lease_seconds: Annotated[int, Field(ge=5, le=3600)] = 120
    review: ReviewSpec = ReviewSpec()
    matching: MatchingChoice = MatchingChoice()
    keys: KeysSpec = KeysSpec()
    holds: HoldsSpec = HoldsSpec()
    findings: FindingsSpec = FindingsSpec()
    alarms: AlarmsSpec = AlarmsSpec()
    accounts: AccountsSpec = AccountsSpec()
    metrics: MetricsSpec = MetricsSpec()
