# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Behind ./dev soak: python3 tests/soak/soak.py PROGRAM TOOL COUNT [SEED]."""

import os
import pathlib
import random
import signal
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

from program_rig import Program     # noqa: E402
from soak_run import Soak           # noqa: E402


def figures(soak, done, began):
    counts = soak.library.counts
    ends = ", ".join("%d times status %d" % (n, status) for status, n in sorted(soak.ends.items()))
    print("%d transfers in %.0f s: %s" % (done, time.monotonic() - began, ends))
    if counts:
        print("  %d of them in one process: %d descriptors, %d threads, %.1f MiB; "
              "the most in the last half %+.1f MiB"
              % (len(counts), counts[-1][0], counts[-1][1], counts[-1][2] / 1024,
                 soak.library.growth() / 1024), flush=True)


def main():
    program, tool, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.SystemRandom().randrange(1 << 32)
    print("seed %d" % seed, flush=True)
    signal.signal(signal.SIGINT, signal.default_int_handler)    # ignored behind a shell's "&"
    with tempfile.TemporaryDirectory() as folder:
        soak = Soak(Program(program), tool, pathlib.Path(folder), seed)
        began = time.monotonic()
        try:
            for done in range(1, count + 1):
                soak.transfer()
                if done % 100 == 0 or done == count:
                    figures(soak, done, began)
            soak.library.check(not soak.program.is_sanitized)
        finally:
            soak.close()


if __name__ == "__main__":
    main()
