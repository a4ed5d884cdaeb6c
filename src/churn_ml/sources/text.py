"""The bytes of a text file as UTF-8, once they are known to be text, and to be whole.

Enters: an open file, packed with gzip or not, in the encoding that churn.toml names. Leaves: a file
of plain UTF-8 without a byte order mark. Refused with `BadInput`: another encoding than the one
told, a NUL byte, half a gzip, and one that unpacks to more than is allowed: it is read in pieces,
so that a bomb is stopped at its limit. Worked example: 42 KB of gzip that hold 42 GB of blanks are
refused after 64 MiB.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from churn_ml.errors import BadInput
from churn_ml.sources.places import spool
from churn_ml.sources.protocol import Lot

MAX_VALUE_BYTES = 128 * 2**10
"""No value of a shop is longer; it is also the limit of Python's csv reader."""
MAX_UNPACKED_BYTES = 2 * 2**30
"""A text file, or a row group of Parquet, may unpack to this much at most."""
MAX_RATIO = 200
"""A file may unpack to this multiple of its size (checked above 64 MiB): more is a bomb."""
_BOMB_FLOOR_BYTES = 64 * 2**20
_BLOCK_BYTES = 2**20


@contextmanager
def utf8(file: IO[bytes], lot: Lot, encoding: str) -> Iterator[IO[bytes]]:
    """`file`, or a copy of it, as plain UTF-8 at its start; raises BadInput as the module says.

    >>> import io
    >>> lot = Lot("products", "p.csv", None, "0" * 64)
    >>> with utf8(io.BytesIO(b"sku\\n\\xe9\\n"), lot, "cp1252") as plain:
    ...     plain.read().decode()
    'sku\\né\\n'
    """
    is_utf8 = codecs.lookup(encoding).name == "utf-8"
    mark = file.read(4)
    file.seek(0)
    if is_utf8 and mark.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        told = f'[sources.{lot.table}] encoding = "utf-16", or export it as UTF-8'
        raise lot.refused("the file is not UTF-8", got="UTF-16", next_step=told)
    if is_utf8 and not lot.where.lower().endswith(".gz") and not mark.startswith(codecs.BOM_UTF8):
        for _ in _decoded(_blocks(file, lot), lot, encoding):
            pass
        file.seek(0)
        yield file
        return
    with spool() as copy:
        first = True
        for piece in _decoded(_blocks(file, lot), lot, encoding):
            copy.write((piece.removeprefix("\ufeff") if first else piece).encode())
            first = first and not piece
        copy.seek(0)
        yield copy


def allowed(packed: int) -> int:
    """How many bytes `packed` bytes may unpack to."""
    return max(_BOMB_FLOOR_BYTES, MAX_RATIO * packed)


def too_large(lot: Lot, got: str) -> BadInput:
    """The error for a file that unpacks to more than is allowed."""
    return lot.refused(
        "the file unpacks to more than is allowed",
        got=got,
        expected=f"at most {MAX_UNPACKED_BYTES} bytes, and {MAX_RATIO} times the file",
        next_step="have it split into smaller files",
    )


def too_long(lot: Lot, column: str | None) -> BadInput:
    """The error for a value above `MAX_VALUE_BYTES`."""
    return lot.refused(
        "a value is longer than is allowed",
        column=column,
        expected=f"at most {MAX_VALUE_BYTES} bytes",
        next_step="find out why it is so long; shorten it at the source",
    )


def _blocks(file: IO[bytes], lot: Lot) -> Iterator[bytes]:
    """The unpacked bytes, piece by piece."""
    size = file.seek(0, 2)
    file.seek(0)
    if not lot.where.lower().endswith(".gz"):
        yield from iter(lambda: file.read(_BLOCK_BYTES), b"")
        return
    limit, so_far = min(MAX_UNPACKED_BYTES, allowed(size)), 0
    try:
        with gzip.GzipFile(fileobj=file, mode="rb") as stream:
            while piece := stream.read(_BLOCK_BYTES):
                so_far += len(piece)
                if so_far > limit:
                    raise too_large(lot, f"more than {limit} bytes from {size}")
                yield piece
    except EOFError:
        raise lot.refused(
            "the gzip is cut off", got=f"{size} bytes without the stream's end"
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise lot.refused("the gzip is damaged", got=str(error)) from None


def _decoded(blocks: Iterator[bytes], lot: Lot, encoding: str) -> Iterator[str]:
    """The text of `blocks`; refuses bytes that are not of `encoding`, and NUL."""
    decoder, at = codecs.getincrementaldecoder(encoding)(), 0
    try:
        for block in blocks:
            held = len(decoder.getstate()[0])
            piece = decoder.decode(block)
            if "\0" in piece:
                got = f"near byte {at + max(block.find(0), 0)}"
                raise lot.refused("the file holds a NUL byte", got=got, expected="text")
            yield piece
            at += len(block)
        held = len(decoder.getstate()[0])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        name = "UTF-8" if codecs.lookup(encoding).name == "utf-8" else encoding
        raise lot.refused(
            f"the file is not {name}",
            got=f"byte {at + error.start - held}",
            next_step=f"export it as {name}, or tell its own, such as [sources.{lot.table}]"
            ' encoding = "cp1252"',
        ) from None
