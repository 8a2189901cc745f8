# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Start the simulator: python3 -m peer [--ready FILE] [--with-parent] [CONFIG]

CONFIG is JSON or a file of it. One JSON line says that it is ready: on stdout, or in
FILE (which then appears whole). It ends when its standard input does, or
--with-parent when its parent process does.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback

if not __package__:                 # run as "python3 tests/peer"
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    __package__ = "peer"

from peer import sim_config
from peer.certificates import HostTls, fingerprint
from peer.control_calls import ControlCalls
from peer.control_door import ControlDoor
from peer.fault_switches import FaultSwitches
from peer.http_server import HttpServer
from peer.pool_model import Pool
from peer.request_log import RequestLog
from peer.sim_clock import SimClock


def ready_line(pool, server, tls, control):
    """What a test must know to talk to the pool."""
    hosts = {}
    for host in pool.hosts:
        known = {"address": host.address, "ref": host.ref, "uuid": host.uuid}
        if tls:
            known["cert"] = tls.certs[host.name_label]
            known["sha256"] = fingerprint(known["cert"])
        hosts[host.name_label] = known
    return {
        "http_port": server.ports["http"], "tls_port": tls and server.ports["tls"],
        "control_port": control.port, "state_dir": pool.state_dir, "hosts": hosts,
        "ca_bundle": tls and tls.bundle, "master": pool.master.name_label,
        "srs": {s.name_label: {"ref": s.ref, "uuid": s.uuid, "type": s.type}
                for s in pool.all("SR")},
    }


def announce(line, path):
    if not path:
        print(line, flush=True)
        return
    with open(path + ".part", "w", encoding="ascii") as file:
        file.write(line + "\n")
    os.rename(path + ".part", path)


def wait_for_end(with_parent):
    parent = os.getppid()
    if with_parent:
        while os.getppid() == parent:
            time.sleep(0.2)
    else:
        while sys.stdin.buffer.read1(65536):
            pass


def run(config, state_dir, options):
    clock = SimClock(config["clock_scale"])
    pool = Pool(config, clock, state_dir)
    tls = HostTls(state_dir, pool.hosts, config["tls_policy"]) if config["tls"] else None
    if tls:
        pool.list_certificates({name: fingerprint(path) for name, path in tls.certs.items()})
    faults, log = FaultSwitches(), RequestLog(clock)
    server = HttpServer(pool, faults, log, tls)
    calls = ControlCalls(pool, server, faults, log)
    vdis = [calls.create_vdi(**vdi) for vdi in config["vdis"]]
    control = ControlDoor(calls)
    server.start()
    control.start()
    announce(json.dumps(dict(ready_line(pool, server, tls, control), vdis=vdis)),
             options.ready)
    wait_for_end(options.with_parent)


def parse_options():
    parser = argparse.ArgumentParser(prog="peer", description="A XAPI pool for tests.")
    parser.add_argument("--ready", metavar="FILE", help="where the ready line goes")
    parser.add_argument("--with-parent", action="store_true",
                        help="end with the parent process, not with standard input")
    parser.add_argument("config", nargs="?", default="{}", help="JSON, or a file of it")
    return parser.parse_args()


def main():
    options = parse_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    config = sim_config.load(options.config)
    state_dir = config["state_dir"] or tempfile.mkdtemp(prefix="xapi-peer-")
    status = 0
    try:
        run(config, state_dir, options)
    except Exception:
        traceback.print_exc()
        status = 1
    finally:
        if not config["state_dir"]:
            shutil.rmtree(state_dir, ignore_errors=True)
        sys.stdout.flush()
        os._exit(status)            # connections in flight do not keep it alive


if __name__ == "__main__":
    main()
