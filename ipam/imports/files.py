"""The files of an estate, in memory, and the paths by which they name each other. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from ipam.imports.estate import ImportUnreadable

BYTES_MAX: Final = 32 * 1024 * 1024
FILES_MAX: Final = 1000
DEPTH_MAX: Final = 64
"""How deep blocks, objects and includes may be nested."""

_HEADING: Final = re.compile(r"^==> ([^\n]{1,4096}) <==\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Files:
    """Texts by their path, which is relative to what was named."""

    texts: Mapping[str, str]
    notes: Mapping[str, str] = field(default_factory=dict)
    """For a path: what was odd about its bytes."""

    def find(self, name: str, near: str = "") -> str | None:
        """The path of a file that a configuration names; None if it is not here.

        An absolute name, or one of another working directory, is found by its end.
        """
        return self._search(name, near, lambda path: path in self.texts)

    def folder(self, name: str, near: str = "") -> list[str] | None:
        """The paths directly in a folder, in order of name; None if there is no such folder."""

        def has_files(path: str) -> bool:
            return any(each.startswith(f"{path}/") for each in self.texts)

        found = self._search(name.rstrip("/"), near, has_files)
        if found is None:
            return None
        start = f"{found}/"
        inside = (path for path in self.texts if path.startswith(start))
        return sorted(path for path in inside if "/" not in path[len(start) :])

    def _search(self, name: str, near: str, is_there: Callable[[str], bool]) -> str | None:
        parts = [part for part in name.split("/") if part not in ("", ".")]
        home = near.rpartition("/")[0]
        candidates = ["/".join([home, *parts])] if home and not name.startswith("/") else []
        candidates += ["/".join(parts[at:]) for at in range(len(parts))]
        return next((path for path in candidates if is_there(path)), None)


def gathered(raw: Mapping[str, bytes]) -> Files:
    """The files as text. A file that `tail -n +1 FILE...` wrote is taken apart.

    Raises ImportUnreadable for more than an import may have.
    """
    total = sum(map(len, raw.values()))
    if total > BYTES_MAX or len(raw) > FILES_MAX:
        raise ImportUnreadable(
            f"{len(raw)} files of {total} bytes are more than one import reads:"
            f" {FILES_MAX} files and {BYTES_MAX} bytes. Import them in parts."
        )
    texts, notes = {}, {}
    for path, content in raw.items():
        text, note = _decoded(content)
        parts = _parts(text)
        if len(parts) > FILES_MAX:
            raise ImportUnreadable(f"{path} has more than {FILES_MAX} files in it.")
        for name, part in (parts or {path: text}).items():
            texts[name] = part
            if note:
                notes[name] = note
    return Files(texts, notes)


def _decoded(content: bytes) -> tuple[str, str]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace"), ""
    for byte_order, start in (("le", slice(1, 4, 2)), ("be", slice(0, 4, 2))):
        if content[start] == b"\0\0":
            text = content.decode(f"utf-16-{byte_order}", "replace")
            return text, "It has no byte order mark: it was read as UTF-16"
    try:
        return content.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        return content.decode("latin-1"), "It is not UTF-8: it was read as Latin-1"


def _parts(text: str) -> dict[str, str]:
    if not _HEADING.match(text):
        return {}
    found = list(_HEADING.finditer(text))
    ends = [match.start() for match in found[1:]] + [len(text)]
    # Blank lines in front of a part keep the line numbers of what follows those of the part.
    return {
        _relative(match[1]): text[match.end() + 1 : end]
        for match, end in zip(found, ends, strict=True)
    }


def _relative(path: str) -> str:
    return "/".join(part for part in path.strip().split("/") if part not in ("", ".", ".."))
