#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""./dev bench [QUICK]: vhdstream and its peers, in turns, on the same input.

Writes docs/benchmarks.md; with QUICK (a fifth of the data, two rounds) it only prints.
JOB-WORD... after it picks the jobs whose title has one of the words.
"""

import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.dirname(HERE))

import bench_chain                                              # noqa: E402
import bench_chain_jobs                                         # noqa: E402
import bench_disks                                              # noqa: E402
import bench_jobs                                               # noqa: E402
import bench_table                                              # noqa: E402
import measured_run                                             # noqa: E402

MIB, GIB = 1 << 20, 1 << 30


class Result:
    """One run of one contender that was found right."""

    def __init__(self, run, size):
        self.wall, self.cpu, self.peak, self.size = run.wall, run.cpu, run.peak, size


def measure(job, rounds):
    """{contender's name: [Result]}; in each round another one begins."""
    results = {c.name: [] for c in job.contenders}
    for number in range(rounds):
        turn = number % len(job.contenders)
        for contender in job.contenders[turn:] + job.contenders[:turn]:
            done = measured_run.run(contender.command())
            result = Result(done, contender.judge(done))
            results[contender.name].append(result)
            print("  round %d  %-40s %6.2f s  %6.1f MiB" % (
                number + 1, contender.name, result.wall, result.peak / MIB), flush=True)
    return results


def run_all(folder, quick, words):
    """[(job, results)]"""
    program = os.environ.get("VHDSTREAM") or os.path.join(ROOT, "build", "vhdstream")
    os.environ["XENSERVER_PASSWORD"] = bench_jobs.PASSWORD
    print("making disks", flush=True)
    mixed = bench_disks.mixed_disk(folder, (150 if quick else 700) * MIB)
    sparse = bench_disks.sparse_disk(folder, 100 * GIB, (32 if quick else 256) * MIB)
    huge = bench_disks.sparse_disk(folder, 2040 * GIB, (32 if quick else 256) * MIB)
    chain = bench_chain.BenchChain(folder, 10, (64 if quick else 256) * MIB)
    bench = bench_jobs.Bench(program, folder)
    found = []
    try:
        for job in (bench_jobs.all_jobs(bench, mixed, sparse, huge)
                    + bench_chain_jobs.chain_jobs(bench, chain)):
            if words and not any(w.lower() in job.title.lower() for w in words):
                continue
            print(job.title, flush=True)
            found.append((job, measure(job, 2 if quick else 5)))
    finally:
        bench.close()
    return found


def main(args):
    quick = bool(args) and args[0].upper() == "QUICK"
    words = args[1:] if quick else args
    load = os.getloadavg()[0]
    folder = tempfile.mkdtemp(prefix="vhdstream-bench-", dir=bench_disks.scratch_root())
    try:
        found = run_all(folder, quick, words)
        page = bench_table.page(found, 2 if quick else 5, quick, folder, load)
    except (measured_run.Failed, bench_jobs.WrongOutput) as wrong:
        print("bench: %s" % wrong, file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder)
    print("\n" + page)
    if not quick and not words:
        with open(os.path.join(ROOT, "docs", "benchmarks.md"), "w", encoding="utf-8") as file:
            file.write(page)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
