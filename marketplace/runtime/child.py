"""Becomes another program, which then ends when its parent does: `child.py PARENT SIGNAL UID GID -- program args…`.

A program of its own, run with `python -I -S`, because the kernel's "tell me when my parent dies" must be set after the
fork and after any change of user, and code between fork and exec is unsafe in a process that has threads.

UID -1 keeps the user. Otherwise the program runs as that user, with one privilege of root kept: passing through folders
that are closed to others. So a clone under a private folder works, and no folder is opened to everybody for it.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


def become_user(libc: ctypes.CDLL, uid: int, gid: int) -> None:
    """Changes to the user and keeps CAP_DAC_OVERRIDE alone; without the right to keep it, keeps nothing."""
    # Without this bit access(2) would judge by the new user's rights, and PostgreSQL asks access(2) for its own files.
    keeps = sys.platform == "linux" and libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) == 0
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if not keeps:
        return
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    mask = 1 << CAP_DAC_OVERRIDE
    data = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    if libc.capset(ctypes.byref(header), ctypes.byref(data)) != 0:
        # Never go on as a user who silently still holds all of root's rights.
        nothing = (ctypes.c_uint32 * 6)()
        if libc.capset(ctypes.byref(header), ctypes.byref(nothing)) != 0:
            sys.exit("cannot give up the rights of root")
        return
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def main() -> None:
    """Reads the arguments, prepares this process and turns it into the program."""
    parent, death_signal, uid, gid = (int(argument) for argument in sys.argv[1:5])
    program = sys.argv[6:]
    libc = ctypes.CDLL(None, use_errno=True)
    if uid >= 0:
        become_user(libc, uid, gid)
    if sys.platform == "linux" and death_signal:
        libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("the process that started this one has already ended")
    try:
        os.execvp(program[0], program)  # noqa: S606 # no shell is wanted
    except OSError as error:
        sys.exit(f"cannot run {program[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
