# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Results of ./dev bench as a page: median and range, and ratios pair by pair."""

import os
import platform
import statistics
import subprocess

MB = 1e6
MIB = 1 << 20

HEAD = """<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Copyright the vhdstream authors -->
# Benchmarks

Written by `./dev bench%(quick)s`. %(machine)s, load at the start %(load).1f; %(rounds)d rounds.
The contenders of a job take turns within each round; every output is compared with its source by
qemu-img. A cell is the median, with the least and the most in brackets.

Only ratios mean something elsewhere. *Times vhdstream's wall* is the contender's wall time
divided by vhdstream's in the same round: above 1, vhdstream is faster. CPU is the contender's,
without the server's; both share the machine's cores. Memory is that of its largest process.
Servers are the simulator of tests/peer and nginx, over cleartext HTTP on loopback. Files lie
%(where)s;
vhdstream asks for its output files to be on the disk before it ends (fsync), the others do not.
os-xenapi runs with its pipe fault repaired (tests/bench/os_xenapi_peer.py).
"""


def machine():
    """What the ratios may depend on."""
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return "%s, %d cores, Linux %s" % (model, os.cpu_count(), platform.release())


def file_system(folder):
    done = subprocess.run(["stat", "-f", "-c", "%T", folder], stdout=subprocess.PIPE, text=True,
                          check=True)
    kind = done.stdout.strip()
    return "in memory (tmpfs)" if kind == "tmpfs" else "on " + kind


def spread(values, form):
    """Median, and the range where there is one."""
    low, high = form % min(values), form % max(values)
    text = form % statistics.median(values)
    return text if low == high else "%s (%s–%s)" % (text, low, high)


def ratios(ours, theirs):
    """Round by round."""
    return [their.wall / our.wall for our, their in zip(ours, theirs)]


def job_rows(job, results):
    """One row a contender."""
    ours = results[job.contenders[0].name]
    yield "| | wall, s | CPU, s | output, MB | memory, MiB | times vhdstream's wall |"
    yield "|---|---|---|---|---|---|"
    for contender in job.contenders:
        runs = results[contender.name]
        yield "| %s | %s | %s | %s | %s | %s |" % (
            contender.name, spread([r.wall for r in runs], "%.2f"),
            spread([r.cpu for r in runs], "%.2f"),
            spread([r.size / MB for r in runs], "%.0f"),
            spread([r.peak / MIB for r in runs], "%.0f"),
            "1" if runs is ours else spread(ratios(ours, runs), "%.3g"))


def goal_lines(job, results):
    """What was wanted of the job, and whether it was reached."""
    for goal in job.goals:
        ours, theirs = results[goal.ours], results[goal.peer]
        if goal.times:
            found = statistics.median(ratios(ours, theirs))
            yield "* %s, wanted: at least %g times as fast as %s. Measured: %.3g%s." % (
                goal.ours, goal.times, goal.peer, found,
                _verdict(found >= goal.times, _bound_of_time(ours)))
        elif goal.cpu:
            found = statistics.median(r.cpu for r in ours)
            yield "* %s, wanted: at most %.2f s of CPU. Measured: %.2f%s." % (
                goal.ours, goal.cpu, found, _verdict(found <= goal.cpu))
        else:
            found = statistics.median(o.size / t.size for o, t in zip(ours, theirs))
            yield "* %s, wanted: at most %g times the size by %s. Measured: %.3f%s." % (
                goal.ours, goal.size, goal.peer, found,
                _verdict(found <= goal.size, "chunks that stand alone, and the compressor's level"))


def _bound_of_time(runs):
    """Whose time it is, by the medians."""
    share = statistics.median(r.cpu for r in runs) / (
        statistics.median(r.wall for r in runs) * os.cpu_count())
    text = "vhdstream has %.0f %% of the cores' time; the rest is the server's, and waiting for it"
    return text % (100 * share)


def _verdict(reached, bound=""):
    return "" if reached else ", **missed**%s" % (bound and " (what bounds it: %s)" % bound)


def job_section(job, results):
    lines = ["## " + job.title, ""]
    if job.size:
        text = "%.0f MB as %s. %s" % (job.size / MB, job.form, job.note)
        lines += [text.strip(), ""]
    lines += job_rows(job, results)
    goals = list(goal_lines(job, results))
    if goals:
        lines += [""] + goals
    return "\n".join(lines) + "\n"


def memory_line(all_results):
    """The most that vhdstream ever took."""
    peak = max(r.peak for _, results in all_results for name, runs in results.items()
               if name.startswith("vhdstream") for r in runs)
    return ("## Memory\n\nThe most that vhdstream took: %.1f MiB. Wanted: at most 64%s.\n" % (
        peak / MIB, "" if peak <= 64 * MIB else ", **missed**"))


def page(all_results, rounds, quick, folder, load):
    """The whole of docs/benchmarks.md; all_results is [(job, {name: [Result]})]."""
    head = HEAD % {"quick": " QUICK" if quick else "", "machine": machine(), "rounds": rounds,
                   "where": file_system(folder), "load": load}
    sections = [job_section(job, results) for job, results in all_results]
    return "\n".join([head] + sections + [memory_line(all_results)])
