"""Work spread over processes of this machine: each opens its own office, because keys and connections do not travel."""

from __future__ import annotations

import gc
import multiprocessing
import resource
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import msgspec

_SELDOM: Final = (50_000, 20, 50)


class ProcessResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one process did: when it began and ended (monotonic seconds), and its largest memory in bytes."""

    began: float
    ended: float
    peak: int
    result: Any


def spread(
    job: Callable[..., Any], shares: Sequence[tuple[Any, ...]], prepare: Callable[..., Any]
) -> list[ProcessResult]:
    """Run `job(prepare(*share), *share)` for every share, each in a fresh process, all released at the same moment.

    Raises RuntimeError if a process ends without an answer, also while it is still preparing.
    """
    context = multiprocessing.get_context("spawn")
    gate = context.Event()
    running = []
    for share in shares:
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(target=_run_share, args=(job, prepare, share, gate, sending), daemon=True)
        process.start()
        sending.close()
        running.append((process, receiving))
    try:
        for process, receiving in running:
            _next_message(process, receiving)
        gate.set()
        results: list[ProcessResult] = [_next_message(process, receiving) for process, receiving in running]
    except RuntimeError:
        # The others would wait for a gate that never opens.
        for process, _ in running:
            process.terminate()
        raise
    for process, _ in running:
        process.join()
    return results


def collect_seldom() -> None:
    """Records and claims hold no cycles: looking for them after every few hundred objects is work for nothing. What
    stands at the first call is never looked through again."""
    if gc.get_threshold() == _SELDOM:
        return
    gc.freeze()
    gc.set_threshold(*_SELDOM)


def _run_share(job: Any, prepare: Any, share: tuple[Any, ...], gate: Any, answer: Connection) -> None:
    ready = prepare(*share)
    answer.send(None)
    gate.wait()
    began = time.monotonic()
    result = job(ready, *share)
    ended = time.monotonic()
    answer.send(ProcessResult(began=began, ended=ended, peak=own_peak(), result=result))


def own_peak() -> int:
    """The largest memory of this process so far, in bytes. `ru_maxrss` would count its parent's from before `exec`."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _next_message(process: Any, receiving: Connection) -> Any:
    """What a process says next: None once it is ready, then its share."""
    try:
        return receiving.recv()
    except EOFError as error:
        raise RuntimeError(f"process {process.pid} ended without an answer") from error
