"""The hundred thousand mutations, piece by piece over many runs: `python -P tests/integration/play_mutations.py`.

Which pieces are done, what was wrong in them and what they cost stands in `build/mutations.jsonl`, a line a piece. The
next run goes on behind it; a piece that found something is played again. `--pieces 20` ends after twenty, `--first 200`
begins at another piece: behind the two hundredth come mutations nobody has seen. Ends with 1 where any piece of this
run found something.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from itertools import count, islice
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from test_mutated_feeds import PIECE, PIECES, Filled, play_piece  # noqa: E402

DONE = Path("build/mutations.jsonl")


def pieces_done(journal: Path) -> set[int]:
    """The pieces in which nothing was wrong."""
    lines = map(json.loads, journal.read_text("utf-8").splitlines()) if journal.exists() else iter(())
    return {line["piece"] for line in lines if not line["wrong"]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pieces", type=int, default=PIECES, help=f"how many pieces of {PIECE} to play")
    parser.add_argument("--first", type=int, default=0, help="the first piece")
    parser.add_argument("--journal", type=Path, default=DONE)
    options = parser.parse_args()
    options.journal.parent.mkdir(exist_ok=True)
    done, failed = pieces_done(options.journal), 0
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="hubao-mutated-", dir=memory if memory.is_dir() else None) as folder:
        filled = Filled(Path(folder))
        for piece in islice((piece for piece in count(options.first) if piece not in done), options.pieces):
            began = time.process_time()
            wrong = play_piece(filled, piece)
            milliseconds = (time.process_time() - began) * 1000 / PIECE
            line = {"piece": piece, "mutations": PIECE, "cpu_ms_each": round(milliseconds, 1), "wrong": wrong}
            with options.journal.open("a", encoding="utf-8") as journal:
                journal.write(json.dumps(line, ensure_ascii=False) + "\n")
            print(f"{piece}: {PIECE} mutations, {milliseconds:.1f} ms CPU each", *wrong, sep="\n  ", flush=True)
            failed += bool(wrong)
        filled.office.store.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
