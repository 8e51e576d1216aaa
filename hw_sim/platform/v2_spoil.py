"""Everything that can be wrong with a message of APIv2, done to good bytes.

From "XML parsing: what must be refused" of the APIv2 description and the advisory it quotes.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final, TypeAlias

from hw_sim.platform.answers import Answer
from hw_sim.platform.faults import Fault, Faults

HUGE_BYTES: Final = 10 << 20
PAGE: Final = b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body></body></html>\n"
_FETCHES: Final = b'<!DOCTYPE xml [<!ENTITY own SYSTEM "file:///etc/passwd">]>\n'
_LAUGHS: Final = (
    b'<!DOCTYPE xml [<!ENTITY a "ha ha ha ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">]>\n'
)
_END: Final = b"</xml>"
_Change: TypeAlias = Callable[[bytes], bytes]


def _before_end(more: bytes) -> _Change:
    return lambda body: body.replace(_END, more + _END)


def _twice(body: bytes) -> bytes:
    """Whatever comes first comes once more, as something else."""
    name = body.partition(b"<xml>\n<")[2].partition(b">")[0]
    return _before_end(b"<%s>1000</%s>\n" % (name, name))(body)


CHANGES: Final[Mapping[Fault, _Change]] = MappingProxyType(
    {
        Fault.XML_DOCTYPE: lambda body: _FETCHES + _before_end(b"<attach_2>&own;</attach_2>\n")(body),
        Fault.XML_ENTITIES: lambda body: _LAUGHS + _before_end(b"<attach_2>&d;</attach_2>\n")(body),
        Fault.XML_DUPLICATE: _twice,
        Fault.XML_NESTED: _before_end(b"<a><total_fee>1</total_fee></a>\n"),
        Fault.XML_ATTRIBUTE: lambda body: body.replace(b"<xml>", b'<xml version="2">', 1),
        Fault.XML_GBK: lambda body: (
            b'<?xml version="1.0" encoding="GBK"?>\n' + (body.decode() + "<!-- 说明 -->").encode("gbk")
        ),
        Fault.XML_NUL: _before_end(b"<attach_2>1\x00</attach_2>\n"),
        Fault.XML_HUGE: lambda body: _before_end(b"<attach_2>" + b"x" * HUGE_BYTES + b"</attach_2>\n")(body),
        Fault.XML_HTML: lambda _: PAGE,
        Fault.XML_EMPTY: lambda _: b"",
    }
)


def spoil(body: bytes, faults: Faults, kind: str) -> bytes:
    """The bytes after every fault of this file that strikes a message of `kind`."""
    for fault, change in CHANGES.items():
        if faults.take(fault, kind):
            body = change(body)
    return body


def on_its_way(answer: Answer, faults: Faults, kind: str) -> Answer:
    """An answer after what the line does to it."""
    if faults.take(Fault.ANSWER_HTML_502, kind):
        answer = Answer(502, {"Content-Type": "text/html"}, PAGE)
    if faults.take(Fault.ANSWER_TRUNCATED, kind):
        answer = replace(answer, keep=len(answer.body) // 2)
    if faults.take(Fault.ANSWER_LOST, kind):
        answer = replace(answer, lost=True)
    if delayed := faults.take(Fault.ANSWER_DELAYED, kind):
        answer = replace(answer, delay_ms=delayed.delay_ms)
    if slow := faults.take(Fault.ANSWER_SLOW, kind):
        answer = replace(answer, byte_ms=slow.delay_ms)
    return answer
