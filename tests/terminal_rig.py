# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""The program on a terminal, where it may ask."""

import os
import pty
import select
import termios
import time


class Terminal:
    """The program on a terminal of its own, where it may ask."""

    def __init__(self, program, *args, env=None):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(program.path, program.command(args), program.environment(env))
        self.seen = b""

    def read_until(self, text):
        limit = time.monotonic() + 30
        while text not in self.seen:
            ready, _, _ = select.select([self.fd], [], [], limit - time.monotonic())
            assert ready, self.seen
            self.seen += os.read(self.fd, 4096)

    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def type(self, text):
        os.write(self.fd, text)

    def end(self):
        """The status, as a shell would say it."""
        try:
            while True:
                self.seen += os.read(self.fd, 4096)
        except OSError:
            pass
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.fd)
        return status if status >= 0 else 128 - status
