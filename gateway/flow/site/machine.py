"""The machine that a site stands on, examined for `hubao doctor`: disk, clock, limits and who may read its files."""

from __future__ import annotations

import errno
import os
import platform
import resource
import shutil
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.model.examined import Examined, graded
from gateway.vault.modes import open_to_others

_GIB: Final = 1 << 30
_ROOM: Final = 5 * _GIB
_LEAST_ROOM: Final = 1 * _GIB
_LEAST_MEMORY: Final = 1 * _GIB
_FILES: Final = 1024
_SYNCS: Final = 15
_SLOW_SYNC_MS: Final = 50.0
_WATCHED_SECONDS: Final = 0.2
_STEP_SECONDS: Final = 0.05
_OLDEST_PYTHON: Final = (3, 11)
_NETWORK_DISKS: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "fuse.glusterfs", "ceph"}
)
"""File systems, as /proc/mounts calls them, on which neither locks nor a finished write can be relied on."""


def examine(data: Path, keys: Path) -> list[Examined]:
    """Everything about the machine. `data`: the folder of the database and of what comes in; `keys`: of the vault."""
    seen = [python(), user(), memory(), open_files(), randomness(), time_zone(), steady_clock()]
    if not data.is_dir():
        return [*seen, Examined("数据目录", "bad", f"没有 {data}", "请先 hubao init (there is no such folder)")]
    return [*seen, room(data), disk_kind(data), sync(data), closed(keys)]


def python() -> Examined:
    """What runs the gateway."""
    reading = f"Python {platform.python_version()}，{platform.system()} {platform.machine()}"
    sound = sys.version_info >= _OLDEST_PYTHON and sys.maxsize > 1 << 32
    return graded(
        "程序环境", sound=sound, reading=reading, advice="需要 64 位的 Python 3.11 或更新 (64 bits, 3.11 or newer)"
    )


def user() -> Examined:
    """Who runs it; root may do more than it needs."""
    root = os.geteuid() == 0
    advice = "请为网关建一个普通用户，只让它写 data 与 keys (run it as an ordinary user)"
    reading = "root" if root else "普通用户"
    return graded("运行用户", sound=not root, reading=reading, advice=advice, otherwise="warn")


def memory() -> Examined:
    """What the machine has."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    reading = f"{total / _GIB:.1f} GiB"
    return graded("内存", sound=total >= _LEAST_MEMORY, reading=reading, advice="至少 1 GiB", otherwise="warn")


def open_files() -> Examined:
    """How many files and connections a process may have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = soft == resource.RLIM_INFINITY
    return graded(
        "可同时打开的文件",
        sound=unlimited or soft >= _FILES,
        reading="不限" if unlimited else str(soft),
        advice=f"请调到 {_FILES} 以上：ulimit -n 或 systemd 的 LimitNOFILE (raise the limit)",
        otherwise="warn",
    )


def randomness() -> Examined:
    """Whether the kernel gives random numbers without waiting."""
    try:
        sound = not hasattr(os, "getrandom") or len(os.getrandom(32, os.GRND_NONBLOCK)) == 32
    except BlockingIOError:
        sound = False
    reading = "可用" if sound else "内核尚未收集到足够的随机数"
    return graded(
        "随机数", sound=sound, reading=reading, advice="请稍后再试，或为虚拟机加 virtio-rng (wait, or add a source)"
    )


def time_zone() -> Examined:
    """Whether Asia/Shanghai is known and eight hours ahead."""
    noon = datetime(2026, 1, 1, 4, tzinfo=UTC)
    try:
        sound = noon.astimezone(ZoneInfo("Asia/Shanghai")).hour == 12
    except ZoneInfoNotFoundError:
        sound = False
    reading = "Asia/Shanghai 为东八区" if sound else "没有 Asia/Shanghai"
    return graded("时区数据", sound=sound, reading=reading, advice="请安装 tzdata (install tzdata)")


def steady_clock() -> Examined:
    """The clock on the wall runs as fast as the one that nobody can set."""
    began, wall = time.monotonic(), time.time()
    time.sleep(_WATCHED_SECONDS)
    apart = abs((time.time() - wall) - (time.monotonic() - began))
    return graded(
        "时钟平稳",
        sound=apart < _STEP_SECONDS,
        reading=f"{_WATCHED_SECONDS} 秒内相差 {apart * 1000:.1f} 毫秒",
        advice="时钟正被跳拨：请改用 chrony 等平滑校时 (something steps the clock; slew it)",
        otherwise="warn",
    )


def room(folder: Path) -> Examined:
    """What is free on the disk of a folder."""
    free = shutil.disk_usage(folder).free
    return graded(
        "磁盘余量",
        sound=free >= _ROOM,
        reading=f"{free / _GIB:.1f} GiB",
        advice="请腾出或扩大磁盘，至少 5 GiB (make room)",
        otherwise="bad" if free < _LEAST_ROOM else "warn",
    )


def disk_kind(folder: Path) -> Examined:
    """On what a folder lies."""
    kind = _file_system(folder)
    advice = "SQLite 与密钥须放在本机磁盘 (neither SQLite nor keys may lie on a network disk)"
    return graded("文件系统", sound=kind not in _NETWORK_DISKS, reading=kind, advice=advice)


def _file_system(folder: Path) -> str:
    """The kind of the mount that a folder lies on, as Linux tells it; elsewhere not known."""
    real, mounts = folder.resolve(), Path("/proc/mounts")
    if not mounts.exists():
        return "未知 unknown"
    lines = (line.split() for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines())
    above = [(len(line[1]), line[2]) for line in lines if len(line) > 2 and real.is_relative_to(line[1])]
    return max(above, default=(0, "未知 unknown"))[1]


def sync(folder: Path) -> Examined:
    """What one wait for the disk takes: every commit waits so."""
    try:
        taken = median(_sync_times(folder))
    except OSError as error:
        reading = errno.errorcode.get(error.errno or 0, "OSError")
        return Examined("落盘用时", "bad", f"写不进去：{reading}", "请让运行用户可写 data (let the user write there)")
    advice = "磁盘落盘很慢，夜间会慢；请换用 SSD 或带电池的阵列卡 (a slow disk makes slow nights)"
    sound = taken <= _SLOW_SYNC_MS
    return graded("落盘用时", sound=sound, reading=f"{taken:.1f} 毫秒", advice=advice, otherwise="warn")


def _sync_times(folder: Path) -> Iterator[float]:
    """Milliseconds of some writes of a page with a wait for the disk, in a file that goes again."""
    file = folder / f".doctor-{os.getpid()}"
    handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        for _ in range(_SYNCS):
            began = time.monotonic()
            os.write(handle, bytes(4096))
            os.fsync(handle)
            yield (time.monotonic() - began) * 1000
    finally:
        os.close(handle)
        file.unlink()


def closed(keys: Path) -> Examined:
    """Whether the folder of keys is its owner's alone."""
    opened = [path for path in (keys, *sorted(keys.rglob("*"))) if open_to_others(path)]
    reading = "只有本用户可读" if not opened else f"{len(opened)} 个文件或目录别人也可读，如 {opened[0].name}"
    return graded("密钥权限", sound=not opened, reading=reading, advice=f"chmod -R go= {keys}")
