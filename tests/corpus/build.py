#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Makes the whole corpus: build.py OUTDIR [--quick]

OUTDIR gets valid/, bad/, chains/ and manifest.json.  What is there from an earlier run with
the same version of these scripts is kept; anything else is made anew.  The bytes do not
depend on the day or the machine.  --quick makes a representative part in a few seconds.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
import time

import chains
import deep_chain
import make_bad
import make_valid
from manifest_entry import Wrong

FORMAT = 1


def stamp(quick):
    """Hash of all scripts here: a corpus made by others is not reused."""
    total = hashlib.sha256(b"quick" if quick else b"full")
    folder = os.path.dirname(os.path.abspath(__file__))
    for name in sorted(os.listdir(folder)):
        if name.endswith(".py") and not name.startswith("test_"):
            with open(os.path.join(folder, name), "rb") as file:
                total.update(name.encode() + file.read())
    return total.hexdigest()


def is_current(outdir, wanted):
    try:
        with open(os.path.join(outdir, "manifest.json"), encoding="utf-8") as file:
            return json.load(file)["stamp"] == wanted
    except (OSError, ValueError, KeyError):
        return False


def build(outdir, quick):
    """Returns the manifest; it is written last, so a broken run is never taken for whole."""
    for name in ("valid", "bad", "chains"):
        shutil.rmtree(os.path.join(outdir, name), ignore_errors=True)
    os.makedirs(outdir, exist_ok=True)
    manifest = {"format": FORMAT, "stamp": stamp(quick), "quick": quick,
                "valid": make_valid.build(outdir, quick), "bad": make_bad.build(outdir, quick),
                "chains": chains.build(outdir, quick), "generated": deep_chain.entries()}
    path = os.path.join(outdir, "manifest.json")
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=1)
        file.write("\n")
    os.replace(path + ".new", path)
    return manifest


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("outdir")
    parser.add_argument("--quick", action="store_true", help="a representative part only")
    parser.add_argument("--force", action="store_true", help="make it anew in any case")
    args = parser.parse_args()
    if not args.force and is_current(args.outdir, stamp(args.quick)):
        print("%s is current" % args.outdir)
        return 0
    start = time.monotonic()
    try:
        manifest = build(args.outdir, args.quick)
    except Wrong as error:
        print("build.py: %s" % error, file=sys.stderr)
        return 1
    print("%d valid, %d bad, %d chains, %.1f s" % (
        len(manifest["valid"]), len(manifest["bad"]), len(manifest["chains"]),
        time.monotonic() - start))
    return 0


if __name__ == "__main__":
    sys.exit(main())
