"""The XML of APIv2: one root and one flat level of texts. Everything else that XML can do is refused.

The parser is the standard library's expat, one handler for each thing that must not occur: nothing is
fetched or expanded before it is refused. A refusal has a name for counters and holds no piece of content.
Source: "XML parsing: what must be refused" of the APIv2 description, after the advisory of July 2018.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NoReturn, TypeAlias
from xml.parsers import expat

Members: TypeAlias = Mapping[str, str]
LARGEST: Final = 64 * 1024
XML: Final = "xml"
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_UNSENDABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_LINE_END: Final = re.compile(r"\r\n?")
_SPACE: Final = " \t\r\n"


class BadXml(ValueError):
    """Not the XML that was expected. `why` is a name for counters, never a piece of what was found."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def read(data: bytes, *, root: str = XML, largest: int = LARGEST) -> Members:
    """The texts below the root, by name, after CDATA and references are resolved. Raises BadXml.

    `why` is one of: empty, oversize, not_utf8, control, doctype, entity, instruction, comment, attribute,
    namespace, name, nested, duplicate, stray_text, root, malformed; each behind `xml_`.
    """
    if len(data) > largest:
        raise BadXml("xml_oversize")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise BadXml("xml_not_utf8") from None
    if not text.strip(_SPACE):
        raise BadXml("xml_empty")
    if _CONTROL.search(text):
        raise BadXml("xml_control")
    return _Reader(root).read(data)


def write(members: Members, *, root: str = XML) -> bytes:
    """One line, in the order given, each value in CDATA. Values are as `clean` leaves them."""
    inside = "".join(f"<{name}>{_cdata(clean(value))}</{name}>" for name, value in members.items())
    return f"<{root}>{inside}</{root}>".encode()


def clean(value: str) -> str:
    """A value as it arrives: without what XML cannot say, and with the line ends that a parser makes."""
    return _UNSENDABLE.sub("", _LINE_END.sub("\n", value))


def _cdata(value: str) -> str:
    return f"<![CDATA[{value.replace(']]>', ']]]]><![CDATA[>')}]]>"


class _Reader:
    """Reads one document."""

    def __init__(self, root: str) -> None:
        self._root: Final = root
        self._members: Final[dict[str, str]] = {}
        self._depth = 0
        self._pieces: list[str] = []

    def read(self, data: bytes) -> Members:
        parser = expat.ParserCreate("utf-8")
        parser.ordered_attributes = True
        parser.XmlDeclHandler = _declared
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = lambda *_: _refuse("doctype")
        # A second lock: without a document type none of the next three can happen.
        parser.EntityDeclHandler = lambda *_: _refuse("entity")
        parser.ExternalEntityRefHandler = lambda *_: _refuse("entity")
        parser.SkippedEntityHandler = lambda *_: _refuse("entity")
        parser.ProcessingInstructionHandler = lambda *_: _refuse("instruction")
        parser.CommentHandler = lambda *_: _refuse("comment")
        try:
            parser.Parse(data, True)
        except expat.ExpatError as error:
            undefined = expat.errors.codes[expat.errors.XML_ERROR_UNDEFINED_ENTITY]
            raise BadXml("xml_entity" if error.code == undefined else "xml_malformed") from None
        return MappingProxyType(self._members)

    def _start(self, name: str, attributes: list[str]) -> None:
        if attributes:
            _refuse("namespace" if attributes[0].startswith("xmlns") else "attribute")
        if not self._depth and name != self._root:
            _refuse("root")
        if self._depth > 1:
            _refuse("nested")
        if ":" in name:
            _refuse("namespace")
        if not _NAME.fullmatch(name):
            _refuse("name")
        if self._depth and name in self._members:
            _refuse("duplicate")
        self._depth += 1
        self._pieces = []

    def _end(self, name: str) -> None:
        self._depth -= 1
        if self._depth:
            self._members[name] = "".join(self._pieces)

    def _text(self, piece: str) -> None:
        if self._depth > 1:
            self._pieces.append(piece)
            if _CONTROL.search(piece):  # said by number, which the bytes do not show
                _refuse("control")
        elif piece.strip(_SPACE):
            _refuse("stray_text")


def _declared(_version: str, encoding: str | None, _standalone: int) -> None:
    if encoding is not None and encoding.lower() not in ("utf-8", "utf8"):
        _refuse("not_utf8")


def _refuse(why: str) -> NoReturn:
    raise BadXml(f"xml_{why}")
