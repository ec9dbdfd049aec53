"""A site's clock and database, examined for `hubao doctor`; the machine is examined in `machine.py`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from gateway.core.timekeeping import MACHINES, agreeing
from gateway.flow.office import Office
from gateway.flow.site import clock
from gateway.model.examined import Examined, graded
from gateway.store import examining


def examine(office: Office, remote: Mapping[str, datetime] | None = None) -> list[Examined]:
    """The clock and the database, in the order in which they are worth mending. `remote`: what the clocks of other
    machines read, by address; None where they were not asked. Nothing of the site changes."""
    seen = [clock_known(office)]
    if remote is not None:
        seen.append(clock_agreed(office, remote))
    return [*seen, *examining.examine(office.store, office.now())]


def clock_known(office: Office) -> Examined:
    """Whether the clock is in line with what was known before."""
    report = clock.show(office)
    before = "无" if report.known is None else f"{report.known:%Y-%m-%d %H:%M}"
    return graded(
        "本机时钟",
        sound=report.believed and report.doubted_since is None,
        reading=f"{report.now:%Y-%m-%d %H:%M:%S}，此前已知 {before}",
        advice="核对时间后 hubao clock confirm --by 姓名 (check it, then confirm)",
    )


def clock_agreed(office: Office, remote: Mapping[str, datetime]) -> Examined:
    """Whether other machines read what this one reads."""
    agreed = len(agreeing(office.now(), remote))
    return graded(
        "与别处时钟",
        sound=agreed >= MACHINES or agreed == len(remote) > 0,
        reading=f"问到 {len(remote)} 台，{agreed} 台与本机一致" if remote else "没有一台答复",
        advice="请核对时间源，或检查到盟市与协会的网络 (check the time source, or the way to the others)",
        otherwise="warn",
    )
