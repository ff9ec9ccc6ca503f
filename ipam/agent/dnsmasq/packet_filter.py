"""Programs for the kernel's classic packet filter (linux/filter.h). Pure."""

import struct
from typing import Final, TypeAlias

HALF_WORD: Final = 0x28
BYTE: Final = 0x30
"""How much of a frame is loaded: two octets or one."""
Test: TypeAlias = tuple[int, int, int]
"""HALF_WORD or BYTE, where in the frame, and the value that has to be there."""
INSTRUCTION_OCTETS: Final = 8
JUMP_IF_EQUAL, RETURN = 0x15, 0x06
DROP, TAKE = 0, 0xFFFF


def all_equal(*tests: Test) -> bytes:
    """A program that passes the frames for which all tests hold."""
    program = b""
    for left, (load, where, value) in zip(range(2 * len(tests), 0, -2), tests, strict=True):
        program += _instruction(load, where)
        program += _instruction(JUMP_IF_EQUAL, value, if_not=left - 1)
    return program + _instruction(RETURN, TAKE) + _instruction(RETURN, DROP)


def _instruction(code: int, value: int, *, if_not: int = 0) -> bytes:
    return struct.pack("=HBBI", code, 0, if_not, value)
