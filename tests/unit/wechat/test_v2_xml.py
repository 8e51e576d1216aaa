"""What is read of the platform's XML, and everything that is refused, each by its name."""

import time

import pytest

from cloud_bridge.wechat import v2_xml
from cloud_bridge.wechat.v2_xml import BadXml


def why(data: bytes, root: str = "xml") -> str:
    with pytest.raises(BadXml) as refused:
        v2_xml.read(data, root=root)
    assert str(refused.value) == refused.value.why  # nothing of the content in it
    return refused.value.why


GOLDEN = (
    b"<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>",
    {"return_code": "SUCCESS", "return_msg": "OK"},
)


def test_the_words_of_an_acknowledgement_are_written_byte_for_byte() -> None:
    data, members = GOLDEN
    assert v2_xml.write(members) == data
    assert v2_xml.read(data) == members


@pytest.mark.parametrize(
    ("inside", "value"),
    [
        (b"<![CDATA[<b>&amp;]]>", "<b>&amp;"),
        (b"&lt;&gt;&amp;&quot;&apos;", "<>&\"'"),
        (b"&#21487;&#x4e50;", "可乐"),
        ("可<![CDATA[乐]]> 330ml".encode(), "可乐 330ml"),
        (b"<![CDATA[a]]]]><![CDATA[>b]]>", "a]]>b"),
        (b"", ""),
        (b" 1 ", " 1 "),
        (b"a\r\nb\rc", "a\nb\nc"),
    ],
)
def test_a_text_is_read_as_xml_says(inside: bytes, value: str) -> None:
    assert v2_xml.read(b"<xml><a>" + inside + b"</a></xml>") == {"a": value}


def test_declaration_mark_and_white_space_around_elements_are_no_matter() -> None:
    head = b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?>\n'
    assert v2_xml.read(head + b"<xml>\n  <b>2</b>\n\t<a>1</a>\r\n</xml>\n") == {"b": "2", "a": "1"}


def test_another_root_is_read_where_it_is_expected() -> None:
    assert v2_xml.read(b"<root><a>1</a></root>", root="root") == {"a": "1"}
    assert why(b"<xml><a>1</a></xml>", root="root") == "xml_root"


@pytest.mark.parametrize("value", ["]]>", "a]]>b]]>", "]]", "<a>&lt;</a>", "可乐\t\n330ml", "\U0001f964"])
def test_what_is_written_is_read_back(value: str) -> None:
    assert v2_xml.read(v2_xml.write({"body": value})) == {"body": value}


def test_what_xml_cannot_say_is_left_out_and_line_ends_are_as_they_will_arrive() -> None:
    said = "a\x00b\x08c\ud800d\uffffe\r\nf\rg\x7f"
    assert v2_xml.clean(said) == "abcde\nf\ng"
    assert v2_xml.read(v2_xml.write({"body": said})) == {"body": "abcde\nf\ng"}


XXE = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
REFUSED = {
    "empty": (b"", b"  \r\n"),
    "oversize": (b"<xml><a>" + b"x" * (64 * 1024) + b"</a></xml>", b" " * (10 << 20)),
    "not_utf8": (
        "<xml><a>可乐</a></xml>".encode("gbk"),
        b'<?xml version="1.0" encoding="GBK"?><xml><a>1</a></xml>',
        "<xml><a>1</a></xml>".encode("utf-16"),
        b"<xml><a>\xed\xa0\x80</a></xml>",
    ),
    "control": (
        b"<xml><a>1\x00</a></xml>",
        b"<xml><a>\x1b[2J</a></xml>",
        b"<xml><a>&#127;</a></xml>",
        b"<xml>\x0b<a>1</a></xml>",
    ),
    "doctype": (
        XXE + b"<xml><a>&e;</a></xml>",
        LAUGHS + b"<xml><a>&c;</a></xml>",
        b'<!DOCTYPE xml SYSTEM "http://127.0.0.1/x.dtd"><xml><a>1</a></xml>',
        b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
    ),
    "entity": (b"<xml><a>&e;</a></xml>", b"<xml><a>&nbsp;</a></xml>"),
    "instruction": (b"<?php echo 1 ?><xml><a>1</a></xml>", b"<xml><a><?x?>1</a></xml>"),
    "comment": (b"<xml><a>1<!-- 0 -->0</a></xml>", b"<!-- --><xml><a>1</a></xml>"),
    "attribute": (b'<xml><a b="c">1</a></xml>', b'<xml v="1"><a>1</a></xml>'),
    "namespace": (b'<xml xmlns="urn:x"><a>1</a></xml>', b"<xml><x:a>1</x:a></xml>"),
    "name": ("<xml><金额>1</金额></xml>".encode(), b"<xml><" + b"a" * 65 + b"/></xml>"),
    "nested": (b"<xml><a><b>1</b></a></xml>", b"<xml>" + b"<a>" * 10_000 + b"</xml>"),
    "duplicate": (b"<xml><total_fee>1</total_fee><total_fee>1000</total_fee></xml>",),
    "stray_text": (b"<xml>1<a>2</a></xml>", b"<xml><a>1</a><![CDATA[x]]></xml>"),
    "root": (b"<html>\n<head><title>404 Not Found</title></head></html>", b"<XML><a>1</a></XML>"),
    "malformed": (
        b"success",
        b"<xml><a>1</a>",
        b"<xml><a>1</a></xml><xml/>",
        b"\\n<xml><a>1</a></xml>",
        b"<xml><a>&#1;</a></xml>",
        b"<xml><a>&#xd800;</a></xml>",
    ),
}


@pytest.mark.parametrize(
    ("name", "data"), [(name, data) for name, documents in REFUSED.items() for data in documents]
)
def test_what_a_message_never_holds_is_refused_by_its_name(name: str, data: bytes) -> None:
    assert why(data) == f"xml_{name}"


def test_every_beginning_of_a_message_is_refused() -> None:
    whole = v2_xml.write({"return_code": "SUCCESS", "body": "可乐 <330ml> ]]>"})
    for end in range(len(whole)):
        assert why(whole[:end]).startswith("xml_")


def test_the_largest_message_of_all_is_refused_without_a_look() -> None:
    began = time.process_time()
    assert why(b"<xml>" + b"<a>1</a>" * (10 << 17) + b"</xml>") == "xml_oversize"
    assert time.process_time() - began < 0.1
