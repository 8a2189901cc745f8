# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Self-signed certificates for the hosts, made by the openssl program."""

import hashlib
import os
import ssl
import subprocess

XAPI_CIPHERS = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256"


def make_key(state_dir):
    path = os.path.join(state_dir, "pool.key")
    _openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048",
             "-out", path)
    return path


def make_certificate(state_dir, key, host):
    """One certificate; names default to the host's name and address."""
    path = os.path.join(state_dir, "%s.pem" % host.name_label)
    names = host.config["cert_names"]
    if names is None:
        names = [host.name_label, host.address]
    args = ["req", "-x509", "-new", "-key", key, "-sha256", "-days", "30", "-out", path,
            "-subj", "/CN=" + (names[0] if names else host.name_label)]
    if names:
        args += ["-addext", "subjectAltName=" + ",".join(map(_alt_name, names))]
    _openssl(*args)
    return path


def _alt_name(name):
    is_address = name.replace(".", "").isdigit() or ":" in name
    return ("IP:" if is_address else "DNS:") + name


def _openssl(*args):
    done = subprocess.run(("openssl",) + args, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    if done.returncode:
        raise RuntimeError("openssl %s: %s" % (args[0], done.stderr))


def fingerprint(path):
    """SHA-256 over the DER form, lower-case hex."""
    with open(path, encoding="ascii") as file:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest()


def server_context(cert, key, policy):
    """policy xapi: TLS 1.2, ECDHE-RSA with AES-GCM, secp384r1. modern: defaults."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    if policy == "xapi":
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(XAPI_CIPHERS)
        context.set_ecdh_curve("secp384r1")
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    return context


class HostTls:
    """Certificates and contexts of all hosts of a pool."""

    def __init__(self, state_dir, hosts, policy):
        self.certs = {}
        self.contexts = {}
        key = make_key(state_dir)
        for host in hosts:
            cert = host.config["cert"] or make_certificate(state_dir, key, host)
            self.certs[host.name_label] = cert
            self.contexts[host.name_label] = server_context(
                cert, host.config["key"] or key, policy)
        self.bundle = os.path.join(state_dir, "pool-ca.pem")
        self._write_bundle()

    def _write_bundle(self):
        with open(self.bundle, "w", encoding="ascii") as out:
            for path in self.certs.values():
                with open(path, encoding="ascii") as file:
                    out.write(file.read())
