"""Pages as they go over the wire: compressed, by a length that tells nothing about what is in them."""

import secrets
import struct
import zlib

from starlette.datastructures import Headers
from starlette.responses import Response

_LEAST_BYTES = 1_000
_LEVEL = 5  # 120 kB of a board become 13 kB in two milliseconds
_MOST_PADDING = 128
_HEAD = b"\x1f\x8b\x08\x08\0\0\0\0\0\xff"  # gzip, deflated, with the name of a file, of no time, on no system


def squeezed(asked: Headers, answer: Response) -> Response:
    """Return the answer compressed, where the browser takes gzip and it is worth it.

    A page holds a proof that must stay secret beside words that a link can bring in, and how well both compress
    together would tell whether they are alike (BREACH). So the length varies by chance: the file's name has any length.
    """
    answer.headers.add_vary_header("Accept-Encoding")
    body = bytes(answer.body)
    if len(body) < _LEAST_BYTES or "gzip" not in asked.get("accept-encoding", ""):
        return answer
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    name = b"a" * secrets.randbelow(_MOST_PADDING) + b"\0"
    tail = struct.pack("<II", zlib.crc32(body), len(body) & 0xFFFFFFFF)
    answer.body = _HEAD + name + packer.compress(body) + packer.flush() + tail
    answer.headers["Content-Encoding"] = "gzip"
    answer.headers["Content-Length"] = str(len(answer.body))
    return answer
