"""A soak: an hour of faults, hostile files and long conversations, of which nothing may be lost.

    make soak                 all of it: within an hour on two idle cores
    make soak SOAK=0.02       a fiftieth of each kind, one trial at least
    make soak KINDS=engine    the kinds whose name has this in it

It is no part of `make test`, which runs a few trials of the cheap kinds. Everything is drawn from one seed, which is
printed and may be given again (`SEED=7`); moments of kills hang on the machine besides. Ends with a table, and with
exit status 1 if anything was lost or broke.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

_TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(_TESTS / folder) for folder in ("soak", ".", "tui", "training", "export")]
os.environ.setdefault("LACIE_CACHE_DIR", str(Path(tempfile.gettempdir()) / f"lacie-tests-{os.getuid()}"))
os.environ["PYTHONPATH"] = os.pathsep.join([*sys.path[:5], os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)

import soak_chats  # noqa: E402 - the tests' folders are no packages
import soak_files  # noqa: E402
import soak_long  # noqa: E402
import soak_parsers  # noqa: E402
import soak_stages  # noqa: E402
import soak_stores  # noqa: E402
from soak_trials import Kind, soak, table  # noqa: E402


def kinds() -> list[Kind]:
    return [
        *soak_chats.KINDS,
        *soak_stores.KINDS,
        *soak_stages.KINDS,
        *soak_files.KINDS,
        *soak_parsers.KINDS,
        *soak_long.KINDS,
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description="Faults, hostile files and long conversations.")
    parser.add_argument("--share", type=float, default=1.0, help="of a whole soak (default: 1)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", default="", help="only those whose name has this in it")
    parser.add_argument("--at-once", type=int, default=2, help="trials at a time (default: 2)")
    parser.add_argument("--minutes", type=float, default=55, help="after which no trial is begun (default: 55)")
    args = parser.parse_args()
    chosen = [kind for kind in kinds() if args.kinds.lower() in kind.name.lower()]
    if not chosen:
        parser.error(f"no kind has {args.kinds!r} in its name; there are: {', '.join(each.name for each in kinds())}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    print(
        f"seed {args.seed}, share {args.share:g}: {sum(each.share_of(args.share) for each in chosen)} trials",
        flush=True,
    )
    found = soak(
        chosen,
        args.share,
        args.seed,
        at_once=args.at_once,
        minutes=args.minutes,
        tell=lambda line: print(line, flush=True),
    )
    print(f"\n{table(found)}\n\n{time.monotonic() - began:.0f} s in all")
    if left := sum(each.wanted - each.trials for each in found):
        print(f"{left} trials were not begun: this machine is too slow or too busy for so many")
    return int(any(each.losses or each.crashes or not each.trials for each in found))


if __name__ == "__main__":
    raise SystemExit(main())
