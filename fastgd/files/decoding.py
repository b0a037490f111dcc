"""The bytes of a text file in UTF-8, whatever its compression and its encoding."""

import codecs
import gzip
import os
import zlib
from stat import S_ISREG
from typing import Any, BinaryIO

from fastgd.files.dialect import UTF_8, Dialect, compression_of
from fastgd.files.lines import Lines, TableError
from fastgd.files.opening import PIECE
from fastgd.inputs.extras import explain_import
from fastgd.inputs.words import printable


class Decoded:
    """An opened file whose `read` returns its text in UTF-8.

    Attributes
    ----------
    path : str
        The file, for messages.
    file : object
        The opened file, or a reader that decompresses it.
    decoder : codecs.IncrementalDecoder
        The decoder of its encoding.
    """

    def __init__(self, path: str, file: Any, encoding: str) -> None:
        self.path, self.file, self.encoding = path, file, encoding
        self.decoder = None if encoding == UTF_8 else codecs.getincrementaldecoder(encoding)()
        self.ready = b""  # decoded, and not returned yet
        self.ended = False

    def read(self, size: int) -> bytes:
        """Return as many bytes as asked for; fewer at the end of the file only."""
        pieces, length = [self.ready], len(self.ready)
        while length < size and not self.ended:
            pieces.append(self.read_piece())
            length += len(pieces[-1])
        text = b"".join(pieces)
        self.ready = text[size:]
        return text[:size]

    def read_piece(self) -> bytes:
        """Return the next bytes in UTF-8, as many as a piece of the file gives."""
        try:
            piece = self.file.read(PIECE)
        except (EOFError, OSError, zlib.error, ValueError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # of the system; gzip and pyarrow raise those without a number for damaged data
            compression = compression_of(self.path)
            raise TableError(f"{printable(self.path)}: expected text in {compression}; {printable(error)}") from error
        self.ended = not piece
        if self.decoder is None:
            return bytes(piece)
        try:
            return self.decoder.decode(piece, final=self.ended).encode(UTF_8, "surrogatepass")
        except UnicodeError as error:  # UTF-16 without its mark is not a UnicodeDecodeError
            raise TableError(f"{printable(self.path)}: expected text in {self.encoding}; {printable(error)}") from error


def open_lines(path: str, file: BinaryIO, dialect: Dialect) -> Lines:
    """Return the lines of an opened file that is written in a dialect."""
    return Lines(path, decode_file(path, file, dialect.encoding), dialect)


def decode_file(path: str, file: BinaryIO, encoding: str) -> Any:
    """Return an opened file as one whose `read` returns text in UTF-8; a file of plain text in UTF-8 is itself that.

    A pipe is read piece by piece as its writer sends them: Python notices a Ctrl-C between two pieces.
    """
    compression, regular = compression_of(path), S_ISREG(os.fstat(file.fileno()).st_mode)
    if compression is None and encoding == UTF_8 and regular:
        return file
    reader: Any = file if regular or compression is not None else getattr(file, "raw", file)
    if compression == "gzip":
        reader = gzip.GzipFile(fileobj=file)
    elif compression is not None:
        try:
            import pyarrow
        except Exception as error:
            raise explain_import(f"{compression} files need pyarrow", error, "pyarrow") from error
        own = open(os.dup(file.fileno()), "rb")  # noqa: SIM115 - pyarrow closes the file that it reads
        reader = pyarrow.CompressedInputStream(pyarrow.PythonFile(own, "r"), compression)
    return Decoded(path, reader, encoding)
