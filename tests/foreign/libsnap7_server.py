"""A controller by libsnap7's own server: two data blocks, merkers and inputs.

Runs in the stack `libsnap7` of `setup/foreign`: program PORT. Standard input takes one command
a line: `DB 1 4 3fc00000` (area, number, first byte, bytes in hexadecimal) or `drop DB 2`.
"""

import ctypes
import sys

from snap7.server import Server
from snap7.type import SrvArea


def main() -> None:
    server = Server(log=False)
    codes = {"DB": SrvArea.DB, "M": SrvArea.MK, "I": SrvArea.PE}
    areas = {
        ("DB", 1): (ctypes.c_uint8 * 300)(),
        ("DB", 2): (ctypes.c_uint8 * 4)(),
        ("M", 0): (ctypes.c_uint8 * 16)(),
        ("I", 0): (ctypes.c_uint8 * 16)(),
    }
    for (name, number), memory in areas.items():
        server.register_area(codes[name], number, memory)  # type: ignore[arg-type, unused-ignore]  # of version 3
    server.start(tcp_port=int(sys.argv[1]))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        words = line.split()
        if words[0] == "drop":
            server.unregister_area(codes[words[1]], int(words[2]))
        else:
            content = bytes.fromhex(words[3])
            memory = areas[words[0], int(words[1])]
            memory[int(words[2]) : int(words[2]) + len(content)] = list(content)
        sys.stdout.write("done\n")
        sys.stdout.flush()


main()
