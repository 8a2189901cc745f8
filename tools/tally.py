#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Counts what ./dev check left in a folder of results: tally.py FOLDER

The folder has a file `stages`, a line "NAME ok" or "NAME FAILED" a stage, and for
a stage of tests NAME.xml, as JUnit has it. A stage without tests counts as one;
one that failed although none of its tests did, too. Prints "N passed, N failed"
(", N skipped" where there are any) and exits 1 when anything failed or nothing ran.
"""

import os
import sys
import xml.etree.ElementTree as xml


def read_stages(folder):
    """[(name, whether it succeeded)]; none where the check never began."""
    try:
        with open(os.path.join(folder, "stages"), encoding="utf-8") as file:
            lines = [line.split() for line in file]
    except OSError:
        return []
    return [(words[0], words[1:] == ["ok"]) for words in lines if words]


def count_cases(path):
    """(passed, failed, skipped) of one JUnit file; zeros where there is none."""
    try:
        cases = list(xml.parse(path).getroot().iter("testcase"))
    except (OSError, xml.ParseError):
        return 0, 0, 0
    failed = sum(1 for c in cases
                 if c.find("failure") is not None or c.find("error") is not None)
    skipped = sum(1 for c in cases if c.find("skipped") is not None)
    return len(cases) - failed - skipped, failed, skipped


def count_stage(folder, name, succeeded):
    passed, failed, skipped = count_cases(os.path.join(folder, name + ".xml"))
    if not succeeded and not failed:
        failed = 1
    elif not passed + failed + skipped:
        passed = 1
    return passed, failed, skipped


def count(folder):
    """(passed, failed, skipped) of all stages."""
    total = [0, 0, 0]
    for name, succeeded in read_stages(folder):
        for i, number in enumerate(count_stage(folder, name, succeeded)):
            total[i] += number
    return tuple(total)


def main(folder):
    passed, failed, skipped = count(folder)
    line = "%d passed, %d failed" % (passed, failed)
    print(line + (", %d skipped" % skipped if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
