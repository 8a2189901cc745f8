# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""All broken files, each named after its defect: each must be refused, for that reason."""

import bad_bat
import bad_footer
import bad_header
import bad_parent
from manifest_entry import bad_entry

MODULES = (bad_footer, bad_header, bad_bat, bad_parent)


def cases(quick=False):
    every = [case for module in MODULES for case in module.cases()]
    names = [case.name for case in every]
    assert len(names) == len(set(names)), "a name is used twice"
    return [case for case in every if case.quick or not quick]


def build(outdir, quick):
    return [bad_entry(case, outdir) for case in cases(quick)]
