"""The lines of a CSV file, whole lines of bytes at a time, and the error of a file that is no table."""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from collections.abc import Iterator
from typing import BinaryIO

from fastgd.files.dialect import PLAIN, Dialect
from fastgd.inputs.words import printable

READ_BYTES = 1 << 16  # read at a time where lines are taken one by one
# The bytes of a line: enough for five million columns of 25 bytes. A device or a pipe may never send the end of a line.
LONGEST_LINE = 1 << 27
BOM = b"\xef\xbb\xbf"  # the bytes with which some programs begin a file
ENDS = b"\r\n"  # a line ends with one of these bytes, or with both
COMPRESSED = "a file compressed by {0}; decompress it, or let its name end in {1}"
NO_TEXT = {  # the first bytes of files that are no text, and the kinds of these files
    b"\x1f\x8b": COMPRESSED.format("gzip", ".gz"),
    b"\x28\xb5\x2f\xfd": COMPRESSED.format("zstd", ".zst"),
    b"BZh91AY&SY": "a file compressed by bzip2; decompress it",
    b"\xfd7zXZ\x00": "a file compressed by xz; decompress it",
    b"PAR1\x15": "a Parquet file; let its name end in .parquet",
    b"PK\x03\x04": "a ZIP archive, as .xlsx is; save its table as CSV",
    b"\xd0\xcf\x11\xe0": "a spreadsheet; save its table as CSV",
}
# The marks with which texts in other encodings begin; those of UTF-32 begin with those of UTF-16.
MARKS = {
    BOM_UTF32_LE: "utf-32", BOM_UTF32_BE: "utf-32", BOM_UTF16_LE: "utf-16", BOM_UTF16_BE: "utf-16",
}  # fmt: skip


class TableError(ValueError):
    """A file does not hold the expected table; the message names the place."""


class TextError(TableError):
    """A column holds text or dates where numbers are expected.

    Attributes
    ----------
    column : str
        The name of the column.
    single : bool
        True if no cell above it holds text.
    """

    def __init__(self, message: str, column: str = "", single: bool = False) -> None:
        super().__init__(message)
        self.column, self.single = column, single


class Lines:
    """The lines of an opened file that have not been used yet.

    Attributes
    ----------
    path : str
        The file, for messages.
    delimiter, decimal : str
        The character between two cells, and the decimal mark.
    number : int
        The number of lines used.
    """

    def __init__(self, path: str, file: BinaryIO, dialect: Dialect = PLAIN) -> None:
        self.path, self.file, self.number = path, file, 0
        self.delimiter, self.decimal = dialect.mark_cells(path), dialect.decimal
        self.text = b""  # read from the file, and not used yet
        self.waiting: Iterator[bytes] = iter(())  # lines of the block that `read_on` is in

    def next_block(self, size: int) -> bytes:
        """Return the next whole lines: as many as `size` bytes hold, but one at least; none at the end of the file.

        Empty lines at the end of the file are left out.
        """
        parts: list[bytes] = []
        length = 0
        while length <= LONGEST_LINE:
            text, self.text = self.text[:size], self.text[size:]
            more = self.file.read(size - len(text))
            if len(text) + len(more) < size:
                return b"".join([*parts, text, more]).rstrip(ENDS)
            if not find_end(more):
                text, more = b"", text + more
            end = find_end(more)
            if end:
                self.text = more[end:] + self.text
                return b"".join([*parts, text, memoryview(more)[:end]])  # copies the block once
            parts.append(more)
            length += size
        expected = f"expected a line of at most {LONGEST_LINE:,} bytes; got a longer one"
        raise TableError(f"{printable(self.path)}, line {self.number + 1}: {expected}")

    def read_on(self, block: bytes) -> Iterator[str]:
        """Yield the lines of a block, and then those after it; refuse a line that is not UTF-8."""
        while block:
            self.waiting = iter(block.splitlines(keepends=True))
            for line in self.waiting:
                self.number += 1
                yield decode(self.path, self.number, line)
            block = self.next_block(READ_BYTES)

    def stop(self) -> None:
        """End `read_on`: the next block begins after the last line that it yielded."""
        self.text = b"".join(self.waiting) + self.text


def find_end(text: bytes) -> int:
    """Return the end of the last whole line; 0 if there is none."""
    return text.rfind(b"\n") + 1 or text.rfind(b"\r", 0, -1) + 1  # a last "\r" may be half of "\r\n"


def decode(path: str, number: int, line: bytes) -> str:
    """Return a line as text; refuse one that is not UTF-8, and the first line of a file that is no text."""
    kind = next((kind for begin, kind in NO_TEXT.items() if line.startswith(begin)), None) if number == 1 else None
    if kind:
        raise TableError(f"{printable(path)}, line 1: expected text; got {kind}")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        got = f"expected text in UTF-8; got the byte 0x{line[error.start]:02x}"
        hint = next((encoding for mark, encoding in MARKS.items() if line.startswith(mark)), "latin-1")
        raise TableError(f"{printable(path)}, line {number}: {got}; encoding='{hint}' may read it") from None
