"""The file of a backup: compressed lines of JSON, with a digest at their end.

The first line says what the file is. Then each table has a line with its columns and their kinds,
and lines of rows. The last line counts the rows of each table and has the SHA-256 digest of all
lines before it, so that a file that was cut or altered is told from a whole one.
"""

import gzip
import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Final, Literal, TypeAlias

import msgspec
from msgspec import Struct

from ipam.errors import BackupUnfit

FORMAT: Final = "ipam backup"
VERSION: Final = 1
LINE_BYTES: Final = 1 << 20
"""About so long are the lines with rows. One row may be longer."""
LONGEST_LINE: Final = 64 << 20
"""A row has at most 16 MiB, which is a third more in base64."""
COMPRESSION: Final = 1
"""Level 6 takes three times as long, for a file that is a fifth smaller."""

Kind: TypeAlias = Literal["integer", "text", "boolean", "json", "bytes"]
Columns: TypeAlias = Mapping[str, Kind]


class Header(Struct, frozen=True, kw_only=True):
    """The first line."""

    format: str
    version: int
    schema: str
    """The revision of the schema that the rows are of."""
    program: str
    """The version of ipam that made the file."""
    made_at: int
    """When, in seconds since 1970."""
    database: str
    """The kind of database that the rows were read from."""


class TableLine(Struct, frozen=True, tag="table", tag_field="line"):
    """The lines after this one have rows of this table."""

    name: str
    columns: dict[str, Kind]


class RowsLine(Struct, frozen=True, tag="rows", tag_field="line"):
    """Some rows of the table, each with a value for each of its columns."""

    rows: list[list[Any]]


class EndLine(Struct, frozen=True, tag="end", tag_field="line"):
    """The last line."""

    counts: dict[str, int]
    sha256: str


_HEADER: Final = msgspec.json.Decoder(Header)
_Line: TypeAlias = TableLine | RowsLine | EndLine
_LINE: Final[msgspec.json.Decoder[_Line]] = msgspec.json.Decoder(_Line)


class Writer:
    """Writes a backup. Call `begin_table` and `add` for each table, and `end` last."""

    def __init__(self, file: BinaryIO, header: Header) -> None:
        # Without a time and a name, the same rows make the same file.
        self._file = gzip.GzipFile("", "wb", COMPRESSION, file, mtime=0)
        self._digest = hashlib.sha256()
        self._counts: dict[str, int] = {}
        self._table = ""
        self._waiting: list[bytes] = []
        self._bytes = 0
        self._write(msgspec.json.encode(header))

    def begin_table(self, name: str, columns: Columns) -> None:
        """The next rows are of this table."""
        self._flush()
        self._table = name
        self._counts[name] = 0
        self._write(msgspec.json.encode(TableLine(name, dict(columns))))

    def add(self, rows: Iterable[Sequence[Any]]) -> None:
        """Add rows of the table."""
        for row in rows:
            encoded = msgspec.json.encode(row)
            self._waiting.append(encoded)
            self._bytes += len(encoded)
            self._counts[self._table] += 1
            if self._bytes >= LINE_BYTES:
                self._flush()

    def end(self) -> EndLine:
        """Write the last line. Without it the file is no backup."""
        self._flush()
        last = EndLine(self._counts, self._digest.hexdigest())
        self._file.write(msgspec.json.encode(last) + b"\n")
        self._file.close()
        return last

    def _flush(self) -> None:
        if self._waiting:
            self._write(b'{"line":"rows","rows":[' + b",".join(self._waiting) + b"]}")
            self._waiting, self._bytes = [], 0

    def _write(self, line: bytes) -> None:
        line += b"\n"
        self._digest.update(line)
        self._file.write(line)


class Reader:
    """Reads a backup. Every fault of the file raises BackupUnfit."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        """`name` is what messages call the file."""
        self._file = gzip.GzipFile(fileobj=file)
        self._name = name
        self._digest = hashlib.sha256()
        self.header = self._read_header()

    def tables(self) -> Iterator[tuple[str, Columns, Iterator[list[Any]]]]:
        """Each table with its columns and its rows, which are to be read before the next table.

        After the last one the counts and the digest are checked.
        """
        self._counts: dict[str, int] = {}
        line = self._next()
        while isinstance(line, TableLine):
            self._counts[line.name] = 0
            yield line.name, line.columns, self._rows(line)
            line = self._following
        if not isinstance(line, EndLine):
            raise self._unfit("has rows before its first table")
        self._check_end(line)

    def _rows(self, table: TableLine) -> Iterator[list[Any]]:
        width = len(table.columns)
        line = self._next()
        while isinstance(line, RowsLine):
            for row in line.rows:
                if len(row) != width:
                    raise self._unfit(f"has a row of {table.name} with {len(row)} values")
                yield row
            self._counts[table.name] += len(line.rows)
            line = self._next()
        self._following = line

    def _check_end(self, end: EndLine) -> None:
        if end.sha256 != self._before_last:
            raise self._unfit("was altered: its digest is another")
        if end.counts != self._counts:
            raise self._unfit("was altered: it has more or fewer rows than it says")
        if self._line():
            raise self._unfit("goes on after its end")

    def _read_header(self) -> Header:
        line = self._line()
        try:
            header = _HEADER.decode(line)
        except msgspec.DecodeError:
            raise self._unfit("is no backup of ipam") from None
        if header.format != FORMAT:
            raise self._unfit("is no backup of ipam")
        if header.version > VERSION:
            raise self._unfit(
                f"has version {header.version} of the format, of which this ipam knows"
                f" {VERSION}: restore it with {header.program[:32]!r} or newer"
            )
        return header

    def _next(self) -> _Line:
        self._before_last = self._digest.hexdigest()
        line = self._line()
        if not line:
            raise self._unfit("is cut off: its end is missing")
        try:
            return _LINE.decode(line)
        except msgspec.DecodeError as error:
            raise self._unfit(f"was altered: {error}") from None

    def _line(self) -> bytes:
        try:
            line = self._file.readline(LONGEST_LINE)
        except EOFError:
            raise self._unfit("is cut off: its end is missing") from None
        except (gzip.BadGzipFile, zlib.error):
            raise self._unfit("is no backup of ipam, or damaged") from None
        if len(line) >= LONGEST_LINE:
            raise self._unfit(f"has a line of {LONGEST_LINE} bytes or more")
        self._digest.update(line)
        return line

    def _unfit(self, fault: str) -> BackupUnfit:
        return BackupUnfit(f"{self._name} {fault}.")
