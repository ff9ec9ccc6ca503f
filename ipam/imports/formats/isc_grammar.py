"""The grammar of ISC dhcpd's files: words, strings, blocks. Comments begin with # alone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from ipam.imports.estate import Draft, Place
from ipam.imports.files import DEPTH_MAX, Files

_TOKEN: Final = re.compile(
    r'(?P<gap>\s+|#[^\n]*)|(?P<text>"(?:[^"\\]|\\.)*")|(?P<sign>[{};,])|(?P<word>[^\s{};,"#]+)',
    re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)", re.DOTALL)
_LETTERS: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "a": "\a"}


@dataclass(frozen=True, slots=True)
class Word:
    """A word or a string."""

    text: str
    quoted: bool = False


@dataclass(slots=True)
class Statement:
    """Words up to a semicolon, or to a block. `is_whole` is false where the file was torn."""

    place: Place
    words: list[Word] = field(default_factory=list)
    block: list["Statement"] | None = None
    is_whole: bool = True

    @property
    def first(self) -> str:
        """Its first word, in lower case."""
        return self.words[0].text.lower() if self.words else ""

    def text(self, number: int) -> str:
        """A word of it; empty if it has no such word."""
        return self.words[number].text if number < len(self.words) else ""

    @property
    def texts(self) -> list[str]:
        """Its words without the first."""
        return [word.text for word in self.words[1:]]

    def find(self, *names: str) -> "Statement | None":
        """The last statement of its block that begins with these words."""
        found = None
        for one in self.block or ():
            if tuple(word.text.lower() for word in one.words[: len(names)]) == names:
                found = one
        return found


def statements(draft: Draft, files: Files, path: str) -> list[Statement]:
    """The statements of a file. One that is torn or misspelt is reported."""
    text = files.texts[path]
    root: list[Statement] = []
    stack: list[tuple[Statement | None, list[Statement]]] = [(None, root)]
    current: Statement | None = None
    for sign, word, line in _tokens(draft, path, text):
        place = Place(path, line)
        if word is not None:
            current = current or Statement(place)
            current.words.append(word)
        elif sign == ",":
            if current is not None:
                current.words.append(Word(","))
        elif sign == ";":
            if current is not None:
                stack[-1][1].append(current)
            current = None
        elif sign == "{":
            opened = current or Statement(place)
            opened.block = []
            stack[-1][1].append(opened)
            stack.append((opened, opened.block))
            current = None
            if len(stack) > DEPTH_MAX:
                draft.problem(place, "syntax", str(place), "Blocks are nested too deeply.")
                break
        else:
            if current is not None:
                _syntax(draft, current.place, "a statement has no ;")
                stack[-1][1].append(current)
                current = None
            if len(stack) == 1:
                _syntax(draft, place, "a } has no {")
            else:
                stack.pop()
    for torn, _ in stack[1:]:
        if torn is not None:
            torn.is_whole = False
    if current is not None:
        current.is_whole = False
        stack[-1][1].append(current)
    return root


def _tokens(draft: Draft, path: str, text: str) -> Iterator[tuple[str, Word | None, int]]:
    at, line = 0, 1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:  # a string without an end
            return
        found = match[0]
        if match["text"]:
            yield "", Word(unescaped(found[1:-1]), quoted=True), line
        elif match["sign"]:
            yield found, None, line
        elif match["word"]:
            if found.startswith("//"):
                _syntax(draft, Place(path, line), "dhcpd has no comments with //")
            yield "", Word(found), line
        line += found.count("\n")
        at = match.end()


def unescaped(text: str) -> str:
    """A string's octets, one for each character."""
    raw = text if text.isascii() else text.encode().decode("latin-1")

    def octet(match: re.Match[str]) -> str:
        code = match[1]
        if code[0] in "01234567":
            return chr(int(code, 8) & 255)
        if code[0] == "x" and len(code) > 1:
            return chr(int(code[1:], 16))
        return _LETTERS.get(code, code)

    return _ESCAPE.sub(octet, raw)


def octets_of(word: Word) -> bytes | None:
    """The octets that a string or a word in hex stands for."""
    if word.quoted:
        return word.text.encode("latin-1", "replace")
    bare = word.text.replace("-", ":")
    if not re.fullmatch(r"[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2})*", bare):
        return None
    return bytes(int(one, 16) for one in bare.split(":"))


def listed(found: list[str]) -> list[str]:
    """Values that commas part."""
    values, current = [], ""
    for text in [*found, ","]:
        if text == ",":
            if current:
                values.append(current)
            current = ""
        else:
            current = f"{current} {text}".strip()
    return values


def _syntax(draft: Draft, place: Place, text: str) -> None:
    draft.problem(place, "syntax", str(place), f"dhcpd refuses it: {text}.")
