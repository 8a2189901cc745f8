# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""What ./dev bench measures of chains of snapshots. Debian has no other tool that reads a chain of
VHDs, so qemu-img gets the same writes as a chain of its own overlays."""

import os
import shlex
import shutil

from bench_jobs import OURS, Contender, Job, WrongOutput
import real_disk

OVERLAYS = "qemu-img reads no differencing VHD, so it gets the same writes as qcow2 overlays, " \
    "extended_l2 with units of 4 KiB, as large as the least of the writes. A VHD's block is " \
    "2 MiB of its file, however little of it was written."


def convert_job(bench, chain, title, wanted):
    """The chain's files → one disk; by merge or, for raw, by copy of the leaf."""
    judge = bench.judge_file(chain, wanted)

    def ours():
        if wanted == "raw":
            return [bench.program, "copy", "--to", "raw", chain.vhds[-1], bench.out]
        return [bench.program, "merge", "--to", "vhd", *chain.vhds, bench.out]

    def convert():
        options = ["-o", "subformat=dynamic,force_size=on"] if wanted == "vpc" else []
        return ["qemu-img", "convert", "-f", "qcow2", "-O", wanted, *options, chain.overlays[-1],
                bench.out]

    contenders = [Contender(OURS, ours, judge), Contender("qemu-img convert", convert, judge)]
    if wanted == "vpc":
        contenders.append(rebase(chain))
    return Job(title, chain.bytes, contenders, form=chain.form, note=OVERLAYS)


def rebase(chain):
    """A copy of the leaf, beside its parents, into which these are pulled."""
    copy = os.path.join(chain.folder, "whole.qcow2")

    def command():
        return "cp {l} {c} && qemu-img rebase -f qcow2 -b '' {c}".format(
            l=shlex.quote(chain.overlays[-1]), c=shlex.quote(copy))

    def judge(_run):
        size = os.stat(copy).st_blocks * 512
        if not real_disk.same_content(("raw", chain.raw), ("qcow2", copy)):
            raise WrongOutput("qemu-img rebase: another content")
        os.remove(copy)
        return size

    return Contender("cp, qemu-img rebase to no parent (a qcow2)", command, judge)


def import_job(bench, chain, title):
    """An image with the chain, the leaf first → VDI."""
    image = chain.image(os.path.join(chain.folder, "chain.tgz"))
    judge = bench.judge_vdi(chain)

    def ours():
        return [bench.program, "copy", image, bench.place("sr", "default")]

    def unpack():
        ref = bench.client.create_vdi("store", chain.size)
        words = ["mkdir -p {d}", "tar -xzf {i} -C {d}"]
        words += ["curl -sSf -T {d}/%s -H Expect: %s" % (
            os.path.basename(path), shlex.quote(bench.url("import", ref, bench.client.task())))
            for path in chain.vhds]
        return " && ".join(words).format(d=shlex.quote(bench.scratch), i=shlex.quote(image))

    def tidied(run):
        shutil.rmtree(bench.scratch)
        return judge(run)

    return Job(title, chain.bytes,
               [Contender(OURS, ours, judge),
                Contender("tar -xz to a folder, curl -T each, base first", unpack, tidied)],
               form=chain.form,
               note="The other one has room for all members on a scratch disk, and knows their "
                    "order and the disk's size.")


def chain_jobs(bench, chain):
    of = " of %d links " % chain.links
    return [
        convert_job(bench, chain, "Chain: files" + of + "to raw", "raw"),
        convert_job(bench, chain, "Chain: files" + of + "merged to VHD", "vpc"),
        import_job(bench, chain, "Chain: image" + of + "to VDI"),
    ]
