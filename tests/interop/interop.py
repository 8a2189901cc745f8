#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""./dev interop: vhdstream and its peers over every VHD of the corpus.

Prints the table and writes the page; ends with 1 when vhdstream is wrong about one file.
"""

import argparse
import concurrent.futures
import json
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "corpus"),
                os.path.join(HERE, "..", "vhd")]

import interop_table                    # noqa: E402
from interop_peers import all_peers     # noqa: E402
from vhd_reader import read_content     # noqa: E402


class Job:
    """One file, and what must be known to judge what is made of it."""

    def __init__(self, folder, entry, scratch):
        self.entry, self.scratch = entry, scratch
        self.path = os.path.join(folder, entry["path"])
        self.chain = [self.path] + [os.path.join(folder, p) for p in entry.get("parents", [])]
        self.args = [a if a.startswith("--") else os.path.join(folder, a)
                     for a in entry["args"]]
        self.content = read_content(self.chain) if "digest" in entry else None

    @property
    def by_parents(self):
        """Broken only together with its parents, or by what its locators lead to."""
        return "chain" in self.entry or self.entry["expect"]["id"].startswith(
            ("parent-", "chain-"))


def ask(folder, kind, entry, program):
    """{title of the peer: verdict} for one file; runs in a process of the pool."""
    with tempfile.TemporaryDirectory(prefix="interop-") as scratch:
        job = Job(folder, entry, scratch)
        return {peer.title: getattr(peer, kind)(job) for peer in all_peers(program)}


def measure(folder, manifest, program):
    """[(kind, entry, {title: verdict})] in the manifest's order."""
    work = [(kind, entry) for kind in ("valid", "bad") for entry in manifest[kind]]
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        asked = [pool.submit(ask, folder, kind, entry, program) for kind, entry in work]
        return [(kind, entry, future.result())
                for (kind, entry), future in zip(work, asked)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("corpus", help="folder that tests/corpus/build.py made")
    parser.add_argument("page", help="where the table is written")
    args = parser.parse_args()
    program = os.path.abspath(os.environ["VHDSTREAM"])
    with open(os.path.join(args.corpus, "manifest.json"), encoding="utf-8") as file:
        manifest = json.load(file)
    peers = all_peers(program)
    rows = interop_table.rows([p.title for p in peers],
                              measure(os.path.abspath(args.corpus), manifest, program))
    print(interop_table.table(rows))
    with open(args.page, "w", encoding="utf-8") as file:
        file.write(interop_table.page(rows, manifest, [p.version() for p in peers]))
    wrong = rows[0].faults()
    if wrong:
        print("vhdstream is wrong about: %s" % ", ".join(wrong), file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
