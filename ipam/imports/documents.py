"""JSON with comments, YAML and XML as trees whose every value knows its line. Pure."""

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from xml.parsers import expat

import yaml

from ipam.imports.estate import Place
from ipam.imports.files import DEPTH_MAX, Files

NODES_MAX: Final = 2_000_000

_GAP: Final = re.compile(r"(?:\s+|#[^\n]*|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_INCLUDE: Final = re.compile(r'<\?include\s*"([^"\n]*)"\s*\?>')
_TEXT: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_WORD: Final = re.compile(r"[-+.\w]+")


class FormatError(Exception):
    """A file that breaks its format's grammar. `str()` says how, `place` where."""

    def __init__(self, place: Place, text: str) -> None:
        super().__init__(text)
        self.place = place


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a document: an object, a list, a text, a number, a boolean or null."""

    value: Any
    place: Place

    def get(self, *names: str) -> "Node | None":
        """The first of these members that is there and not null."""
        if isinstance(self.value, dict):
            for name in names:
                found: Node | None = self.value.get(name)
                if found is not None and found.value is not None:
                    return found
        return None

    def text(self, *names: str) -> str:
        """The member as a text; empty if it is not there or is no single value."""
        found = self.get(*names)
        if found is None or isinstance(found.value, (dict, list)):
            return ""
        if isinstance(found.value, bool):
            return "true" if found.value else "false"
        return str(found.value)

    def number(self, *names: str) -> int | None:
        """The member as a whole number; None if it is not there or is none."""
        text = self.text(*names)
        return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else None

    def flag(self, *names: str) -> bool | None:
        """The member as a boolean; None if it is not there or is none."""
        return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(
            self.text(*names).lower()
        )

    def each(self, *names: str) -> list["Node"]:
        """The items of the member that is a list."""
        found = self.get(*names)
        return found.value if found is not None and isinstance(found.value, list) else []

    def items(self) -> list["Node"]:
        """Its items, if it is a list."""
        return self.value if isinstance(self.value, list) else []

    def members(self) -> dict[str, "Node"]:
        """Its members, if it is an object."""
        return self.value if isinstance(self.value, dict) else {}


class _Text:
    """One file that is being read."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.at = 0
        self._lines = [match.start() for match in re.finditer("\n", text)]

    def place(self) -> Place:
        return Place(self.file, bisect_right(self._lines, max(self.at - 1, 0)) + 1)


class _Json:
    """JSON as Kea takes it: comments of three forms, includes, a comma behind the last item."""

    def __init__(self, files: Files, file: str) -> None:
        self._files = files
        self._open = [_Text(file, files.texts[file])]
        self._nodes = 0
        self._read = 0

    def document(self) -> Node:
        node = self._value(0)
        if self._peek():
            raise self._fault("there is more behind the document's end")
        return node

    def _peek(self) -> str:
        """The next character that counts; empty at the end."""
        while True:
            here = self._open[-1]
            gap = _GAP.match(here.text, here.at)
            here.at = gap.end() if gap else here.at
            if include := _INCLUDE.match(here.text, here.at):
                here.at = include.end()
                self._include(include[1])
            elif here.at < len(here.text):
                return here.text[here.at]
            elif len(self._open) > 1:
                self._open.pop()
            else:
                return ""

    def _include(self, name: str) -> None:
        found = self._files.find(name, self._open[-1].file)
        if found is None:
            raise self._fault(f'the included file "{name}" is not among the files given')
        self._read += len(self._files.texts[found])
        if len(self._open) >= DEPTH_MAX or self._read > 2 * 32 * 1024 * 1024:
            raise self._fault("includes are nested too deeply, or are too long together")
        self._open.append(_Text(found, self._files.texts[found]))

    def _fault(self, text: str) -> FormatError:
        return FormatError(self._open[-1].place(), text)

    def _value(self, depth: int) -> Node:
        sign = self._peek()
        here = self._open[-1]
        place = here.place()
        self._nodes += 1
        if depth > DEPTH_MAX or self._nodes > NODES_MAX:
            raise FormatError(place, "the document is nested too deeply or has too many values")
        if sign == "{":
            return Node(self._object(depth), place)
        if sign == "[":
            return Node(self._list(depth), place)
        if sign == '"':
            return Node(self._string(), place)
        return Node(self._word(), place)

    def _object(self, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}

        def member() -> None:
            if self._peek() != '"':
                raise self._fault('a name in "" is expected')
            name = self._string()
            self._expect(":")
            found[name] = self._value(depth + 1)

        self._sequence("}", member)
        return found

    def _list(self, depth: int) -> list[Node]:
        found: list[Node] = []
        self._sequence("]", lambda: found.append(self._value(depth + 1)))
        return found

    def _sequence(self, end: str, item: Callable[[], None]) -> None:
        self._open[-1].at += 1
        while self._peek() != end:
            item()
            if (sign := self._peek()) == ",":
                self._open[-1].at += 1
            elif sign != end:
                raise self._fault(f"'{end}' or ',' is expected")
        self._open[-1].at += 1

    def _expect(self, sign: str) -> None:
        if self._peek() != sign:
            raise self._fault(f"'{sign}' is expected")
        self._open[-1].at += 1

    def _string(self) -> str:
        here = self._open[-1]
        match = _TEXT.match(here.text, here.at)
        if match is None:
            raise self._fault('a text in "" has no end')
        try:
            text: str = json.loads(match[0], strict=False)
        except ValueError:
            raise self._fault("a text has an escape that JSON does not know") from None
        here.at = match.end()
        return text

    def _word(self) -> Any:
        here = self._open[-1]
        match = _WORD.match(here.text, here.at)
        word = match[0] if match else ""
        try:
            value = json.loads(word, parse_constant=_no_constant)
        except ValueError:
            what = f"'{word[:40]}' is no value" if word else "a value is expected"
            raise self._fault(what) from None
        here.at += len(word)
        return value


def _no_constant(word: str) -> None:
    raise ValueError(word)


def read_json(files: Files, file: str) -> Node:
    """The JSON document of a file. Raises FormatError."""
    return _Json(files, file).document()


def read_yaml(files: Files, file: str) -> list[Node]:
    """The YAML documents of a file, without aliases. Raises FormatError."""
    text = files.texts[file]
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                line = event.start_mark.line + 1 if event.start_mark else 0
                raise FormatError(Place(file, line), "YAML aliases are not read")
        nodes = yaml.compose_all(text, yaml.SafeLoader)
        return [_of_yaml(node, file, 0) for node in nodes]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise FormatError(Place(file, line), f"it is no YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise FormatError(Place(file), f"it is no YAML: {str(error)[:200]}") from None


def _of_yaml(node: yaml.Node, file: str, depth: int) -> Node:
    place = Place(file, node.start_mark.line + 1)
    if depth > DEPTH_MAX:
        raise FormatError(place, "the document is nested too deeply")
    if isinstance(node, yaml.MappingNode):
        return Node(
            {str(key.value): _of_yaml(value, file, depth + 1) for key, value in node.value}, place
        )
    if isinstance(node, yaml.SequenceNode):
        return Node([_of_yaml(one, file, depth + 1) for one in node.value], place)
    if node.tag == "tag:yaml.org,2002:null":
        return Node(None, place)
    return Node(str(node.value), place)  # every value as it is written: no octal, no sexagesimal


@dataclass(slots=True)
class Element:
    """An element of XML. Names have no namespace, `space` has it."""

    name: str
    space: str
    attributes: dict[str, str]
    place: Place
    children: list["Element"] = field(default_factory=list)
    text: str = ""

    def find(self, name: str) -> "Element | None":
        """The first child of that name that is in no namespace of its own."""
        return next(self.each(name), None)

    def each(self, name: str) -> Iterator["Element"]:
        """The children of that name that are in no namespace of their own."""
        return (one for one in self.children if one.name == name and not one.space)

    def inner(self, name: str) -> str:
        """The text of the first child of that name."""
        found = self.find(name)
        return found.text.strip() if found else ""

    def attribute(self, child: str, name: str) -> str:
        """An attribute of the first child of that name."""
        found = self.find(child)
        return found.attributes.get(name, "").strip() if found else ""

    def walk(self) -> Iterator["Element"]:
        """It and all below it."""
        yield self
        for one in self.children:
            yield from one.walk()


def read_xml(files: Files, file: str) -> Element:
    """The root of an XML document, which may have no DOCTYPE. Raises FormatError."""
    parser = expat.ParserCreate(namespace_separator=" ")
    root = Element("", "", {}, Place(file))
    path = [root]

    def here() -> Place:
        return Place(file, parser.CurrentLineNumber)

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(path) > DEPTH_MAX:
            raise FormatError(here(), "elements are nested too deeply")
        space, _, bare = name.rpartition(" ")
        one = Element(bare, space, attributes, here())
        path[-1].children.append(one)
        path.append(one)

    def doctype(*_: Any) -> None:
        raise FormatError(here(), "a DOCTYPE is not read")

    def data(text: str) -> None:
        path[-1].text += text

    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: path.pop()
    parser.CharacterDataHandler = data
    parser.StartDoctypeDeclHandler = doctype
    try:
        # The text is decoded already, whatever encoding its declaration names.
        text = re.sub(r"^\s*<\?xml.*?\?>", _blank, files.texts[file], count=1, flags=re.DOTALL)
        parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise FormatError(Place(file, error.lineno), f"it is no XML: {error}") from None
    return root


def _blank(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")
