# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""All valid files: each must be read right, from a file always, from a pipe where it says so."""

import valid_blktap
import valid_diff
import valid_dynamic
import valid_fixed
import valid_producers
import valid_qemu
from manifest_entry import good_entry

MODULES = (valid_dynamic, valid_fixed, valid_blktap, valid_producers, valid_diff, valid_qemu)


def cases(quick=False):
    """In build order; a quick run keeps what quick children stand on."""
    every = [case for module in MODULES for case in module.cases()]
    names = [case.name for case in every]
    assert len(names) == len(set(names)), "a name is used twice"
    if not quick:
        return every
    wanted = {case.name for case in every if case.quick}
    wanted |= {name for case in every if case.quick for name in case.parents}
    return [case for case in every if case.name in wanted]


def build(outdir, quick):
    contents = {}
    return [good_entry(case, outdir, contents) for case in cases(quick)]
