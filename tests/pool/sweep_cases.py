# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""The network sweep: every place of a transfer, struck by every fault there.

What a run has to end with follows from what the fault is: whether it may pass, whether the
server said what failed, whether there is a verdict. Nothing here is taken from an output.
"""

import dataclasses

from sweep_places import END, HEAD, ways

OK, FAILED, CORRUPT, NOT_FOUND, AUTH, SPACE, UNSETTLED, TEMPORARY = 0, 1, 3, 4, 5, 6, 7, 75

IO_ERROR = ["VDI_IO_ERROR", "Device I/O errors"]
FULL = ["SR_BACKEND_FAILURE_44", "", "There is insufficient space", ""]
UNPLUGGED = ["SR_NOT_ATTACHED", "OpaqueRef:x"]
NO_HOST = ["NO_HOSTS_AVAILABLE"]
LOST = ["HANDLE_INVALID", "VDI", "OpaqueRef:x"]
IN_USE = ["VDI_IN_USE", "OpaqueRef:x", "destroy"]

CALLS = {
    "import": ["session.login_with_password", "SR.get_by_name_label", "SR.get_record", "VDI.create",
               "VDI.get_record", "SR.get_PBDs", "task.create", "task.set_other_config",
               "task.get_record", "task.destroy", "VDI.remove_from_other_config",
               "session.logout"],
    "export": ["session.login_with_password", "VDI.get_by_uuid", "VDI.get_record", "SR.get_record",
               "SR.get_PBDs", "task.create", "task.set_other_config", "task.get_record",
               "task.destroy", "session.logout"],
}


@dataclasses.dataclass
class Case:
    """One run: what strikes it, and what has to come of that."""

    way: object
    place: str
    fault: str                          # its name
    ends: tuple                         # exit statuses, any of which is right
    words: tuple = ()                   # of which the message has one each, where it fails
    strikes: tuple = ()                 # fault switches of the simulator
    action: str = ""                    # what happens to the pool while a stall holds the transfer
    args: tuple = ()
    tries: bool = False                 # with --retries
    long: bool = False                  # a disk that no buffer hides
    tool: bool = False                  # by xapitool, which can be told to be impatient
    tls: bool = False

    @property
    def name(self):
        more = (", retries" if self.tries else "") + (", TLS" if self.tls else "")
        return "%s, %s, %s%s" % (self.way.name, self.fault, self.place, more)


# --- faults of a body -----------------------------------------------------------------
# Each: (way, place) -> (ends, words) of a run without retries, or None where it makes no sense.

# What was sent to the last byte before the end was seen is "not confirmed".
CUT = (("connection", "broke off", "not confirmed"), ("byte", "answer"))


def sure_of_bytes(way, place, words):
    """The far side's clean end comes behind all that it sent; so an export can be counted. An
    import knows what it has sent, and how much that is of the disk."""
    if way.kind == "import":
        return words + (("blocks were through", "all %d bytes" % way.length),)
    blocks = way.blocks_out(place)
    return words + (("after %d bytes" % way.offset(place),),) + (((blocks,),) if blocks else ())


def cut(way, place):
    """An end behind the last byte is no fault: the task has the last word."""
    if way.places[place] == END:
        return (OK,), ()
    return (TEMPORARY,), sure_of_bytes(way, place, CUT)


def reset(way, place):
    """Behind the last byte it is a race whether the answer's end is seen before it."""
    return ((OK, TEMPORARY) if way.places[place] == END else (TEMPORARY,)), CUT[:1]


def told(status, code):
    """The server says what failed, in the body and by its task."""
    return lambda way, place: ((status,), ((code,),))


def cut_and(status, code, end_status):
    """The connection ends, and the task tells why; behind the last byte only that counts."""
    def expect(way, place):
        if way.places[place] == END:
            return (end_status,), ((code,),)
        return (status,), ((code,), CUT[0])
    return expect


def false_success(way, place):
    """The task says success of a transfer that was cut: never a success, whatever it says."""
    if way.places[place] == END:
        return (OK,), ()
    status = TEMPORARY if way.kind == "import" else CORRUPT
    return (status,), (("success", "ends", "cut", "less than"),)


def gone(way, place):
    """An import that broke is no success anyway; else nobody knows what the server's word was."""
    if way.places[place] == END or way.kind == "export":
        return (UNSETTLED,), (("lost the task",),)
    return (TEMPORARY,), (("lost the task",), CUT[0])


def at(way, place, **fault):
    return dict(fault, on=way.kind, at=way.places[place])


BODY = {
    "FIN": ({"do": "close"}, cut),
    "RST": ({"do": "reset"}, reset),
    "late 500": ({"do": "error", "error": IO_ERROR}, told(FAILED, "VDI_IO_ERROR")),
    "SR full": ({"do": "error", "error": FULL}, told(SPACE, "SR_BACKEND_FAILURE_44")),
    "SR unplugged": ({"do": "error", "error": UNPLUGGED}, told(TEMPORARY, "SR_NOT_ATTACHED")),
    "VDI lost": ({"do": "error", "error": LOST}, told(NOT_FOUND, "HANDLE_INVALID")),
    "cut, task failed": ({"do": "close", "task": "failure", "error": FULL},
                         cut_and(SPACE, "SR_BACKEND_FAILURE_44", SPACE)),
    "cut, task gone": ({"do": "close", "task": "gone"}, gone),
    "cut, task cancelled": ({"do": "close", "task": "cancelled"},
                            cut_and(TEMPORARY, "cancelled", TEMPORARY)),
    "cut, task success": ({"do": "close", "task": "success"}, false_success),
}


def passes(ends):
    """What comes of it when it is tried again and the fault does not come back."""
    return tuple(sorted({OK if status == TEMPORARY else status for status in ends}))


def body_cases(way):
    for fault, (how, expect) in BODY.items():
        for place in way.in_body + ["after"]:
            ends, words = expect(way, place)
            case = Case(way, place, fault, ends, words, (at(way, place, **how),))
            yield case
            if TEMPORARY in ends:
                yield dataclasses.replace(case, ends=passes(ends), tries=True)


def held(way, place):
    """Stands still until the clock is put forward, or for twenty seconds."""
    return at(way, place, do="stall", seconds=2000)


# --- silence --------------------------------------------------------------------------


def stall_cases(way):
    """An import's stall shows only where more is left to be sent than sockets hold."""
    has_long = way.name in ("import-vhd", "import-raw")
    shown = ["answer", "first byte", "block"] if has_long else \
        ["answer"] if way.kind == "import" else ["answer", "block", "last byte", "after"]
    for place in shown:
        case = Case(way, place, "stall", (TEMPORARY,), (("1 s",),),
                    (at(way, place, do="stall"),), args=("--timeout", "1"), long=has_long)
        yield case
        yield dataclasses.replace(case, ends=(OK,), tries=True)
    for place in way.in_body[::3] + ["after"]:
        yield Case(way, place, "pause", (OK,), (), (held(way, place),), "wait")


# --- before the answer ----------------------------------------------------------------


def circle(way):
    return tuple({"on": way.kind, "do": "redirect", "match": {"host": host}, "times": -1,
                  "to": other} for host, other in (("one", "two"), ("two", "one")))


ANSWERS = {
    "401": (AUTH, "401", {"do": "status", "status": 401}),
    "403": (AUTH, "403", {"do": "status", "status": 403}),
    "503": (TEMPORARY, "503", {"do": "status", "status": 503}),
    "302 to a dead host": (TEMPORARY, "127.0.0.9",
                           {"do": "redirect", "location": "http://127.0.0.9:1/x"}),
    "no host left": (TEMPORARY, "NO_HOSTS_AVAILABLE",
                     {"do": "raw", "task": "failure", "error": NO_HOST,
                      "text": "HTTP/1.1 400 Bad Request\r\n\r\n"
                              "HTTP/1.1 500 Internal Error\r\n\r\n"}),
    "FIN": (TEMPORARY, "connection", {"do": "close", "at": HEAD}),
    "RST": (TEMPORARY, "connection", {"do": "reset", "at": HEAD}),
}


def answer_cases(way):
    for fault, (status, word, how) in ANSWERS.items():
        for times in (1, -1):
            name = fault if times == 1 else fault + " for ever"
            case = Case(way, "answer", name, (status,), ((word,),),
                        (dict(how, on=way.kind, times=times),))
            yield case
            ends = passes((status,)) if times == 1 else (status,)
            words = case.words
            if times < 0 and status == TEMPORARY:
                words += (("tried 3 times",),)
            yield dataclasses.replace(case, ends=ends, words=words, tries=True)
    case = Case(way, "answer", "302 in a circle", (TEMPORARY,), (("host to host",),), circle(way))
    yield case
    yield dataclasses.replace(case, words=case.words + (("tried 3 times",),), tries=True)


# --- calls ----------------------------------------------------------------------------


def call_cases(way):
    """The master is elsewhere, and back again: nobody notices."""
    for method in CALLS[way.kind]:
        strikes = tuple({"on": "rpc", "match": {"method": method, "host": host}, "do": "error",
                         "error": ["HOST_IS_SLAVE", "@" + other]}
                        for host, other in (("one", "two"), ("two", "one")))
        yield Case(way, method, "HOST_IS_SLAVE", (OK,), (), strikes)


# --- what happens to the pool meanwhile -----------------------------------------------


def action_cases(way):
    for place in way.in_body + ["after"]:
        stall = (held(way, place),)
        yield Case(way, place, "session ended", (OK,), (), stall, "end sessions")
        yield Case(way, place, "master moved", (OK,), (), stall, "move master")
        for action in ("reboot", "crash"):
            # Who stops in good order after the last byte has the disk, and may still say so.
            late = action == "reboot" and place == "after"
            case = Case(way, place, "host: " + action, (OK, TEMPORARY) if late else (TEMPORARY,),
                        CUT[:1], stall, action)
            yield case
            yield dataclasses.replace(case, ends=(OK,), tries=True)


def destroy_cases(way):
    """The disk stays in use for a while after the break; cleaning up waits for it."""
    busy = {"on": "rpc", "match": {"method": "VDI.destroy"}, "do": "error", "times": 4,
            "error": IN_USE}
    if way.kind == "import":
        for place in way.in_body[::2]:
            yield Case(way, place, "VDI_IN_USE on destroy", (TEMPORARY,), CUT[:1],
                       (at(way, place, do="reset"), busy))
            yield Case(way, place, "late 500, VDI_IN_USE on destroy", (FAILED,),
                       (("VDI_IO_ERROR",),), (at(way, place, do="error", error=IO_ERROR), busy))
    elif way.name == "export-vhd":
        yield Case(way, "after", "VDI_IN_USE on destroy", (OK,), (), (busy,),
                   args=("--snapshot",))


def stuck_cases(way):
    """A task that stays pending: the verdict is not known. xapitool's patience is one second."""
    for place in way.in_body[::3] + ["after"]:
        broke = way.places[place] != END
        yield Case(way, place, "task stuck", (TEMPORARY,) if broke and way.kind == "import" else
                   (UNSETTLED,), (CUT[0] if broke and way.kind == "import" else ("pending",),),
                   (at(way, place, do="close", task="pending"),), tool=True)


def over_tls(way):
    """What an end looks like is another thing there. Left out is what has another answer: a new
    master has another certificate than the one pinned, and of a small upload all is on its way
    before the sender sees that it was cut, so that the task alone decides."""
    if way.name in ("import-vhd", "export-vhd"):
        for make in (body_cases, stall_cases, action_cases):
            for case in make(way):
                if not case.tries and case.fault not in (
                        "master moved", "late 500", "cut, task gone", "cut, task success"):
                    yield dataclasses.replace(case, tls=True)


def all_cases():
    """Each case once, in an order that never changes."""
    for way in ways():
        for make in (body_cases, stall_cases, answer_cases, call_cases, action_cases,
                     destroy_cases, stuck_cases):
            yield from make(way)
        yield from over_tls(way)


def cross_section(cases, count):
    """`count` of them, spread over all; the same ones each time."""
    cases = list(cases)
    count = min(count, len(cases))
    return [cases[i * len(cases) // count] for i in range(count)]
