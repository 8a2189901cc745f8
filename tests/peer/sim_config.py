# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Configuration: defaults, and one readable complaint for each mistake."""

import json

GIB = 1 << 30

POOL_DEFAULTS = {
    "name": "pool", "master": None, "default_sr": None, "detach_lag": 0.0,
    "clock_scale": 1.0, "tls": True, "tls_policy": "xapi", "tls_port": 0, "http_port": 0,
    "bare_addresses": False, "state_dir": None, "head_delay": 0.0,
    "head_seconds": 10.0, "certificates": "new",
}
HOST_DEFAULTS = {"cert_names": None, "cert": None, "key": None}
SR_DEFAULTS = {"capacity": 64 * 1024 * GIB, "sm_config": None, "hosts": None,
               "plugged": None, "export_kind": None, "odd_export": "round"}
SR_ALIASES = {"size": "capacity"}


class ConfigError(Exception):
    pass


def load(text):
    """Parse the JSON text of a configuration, or of a file named by it."""
    if not text.lstrip().startswith("{"):
        with open(text, encoding="utf-8") as file:
            text = file.read()
    return complete(json.loads(text))


def complete(given):
    """Fill in what the configuration leaves out."""
    config = _filled("pool", given, POOL_DEFAULTS,
                     {"hosts", "srs", "users", "vdis", "uuid"})
    config["hosts"] = _hosts(given.get("hosts") or [{}])
    names = [h["name"] for h in config["hosts"]]
    config["srs"] = [_sr(sr, names) for sr in given.get("srs") or [{"type": "ext"}]]
    config["users"] = given.get("users") or [{"name": "root", "password": "secret"}]
    config["vdis"] = given.get("vdis") or []
    config["master"] = config["master"] or names[0]
    config["default_sr"] = config["default_sr"] or config["srs"][0]["name"]
    if config["default_sr"] == "none":
        config["default_sr"] = None
    return config


def _filled(what, given, defaults, others):
    unknown = set(given) - set(defaults) - others
    if unknown:
        raise ConfigError("%s: unknown keys %s" % (what, ", ".join(sorted(unknown))))
    return {**defaults, **given}


def _hosts(given):
    hosts = []
    for i, host in enumerate(given, 1):
        host = _filled("host", host, HOST_DEFAULTS, {"name", "address", "uuid"})
        host.setdefault("name", "host%d" % i)
        host.setdefault("address", "127.0.0.%d" % i)
        hosts.append(host)
    return hosts


def _sr(given, host_names):
    given = {SR_ALIASES.get(k, k): v for k, v in given.items()}
    use_vhd = given.pop("use_vhd", None)
    sr = _filled("sr", given, SR_DEFAULTS, {"name", "type", "uuid"})
    sr.setdefault("name", sr["type"])
    sr["sm_config"] = dict(sr["sm_config"] or {})
    if use_vhd is not None:
        sr["sm_config"]["use_vhd"] = "true" if use_vhd else "false"
    sr["hosts"] = list(sr["hosts"] if sr["hosts"] is not None else host_names)
    sr["plugged"] = list(sr["plugged"] if sr["plugged"] is not None else sr["hosts"])
    for name in sr["hosts"] + sr["plugged"]:
        if name not in host_names:
            raise ConfigError("sr %s: no host called %s" % (sr["name"], name))
    return sr
