"""The XML that comes from outside: what we accept, another reader of XML reads as we do."""

import xml.etree.ElementTree as ET
from typing import Final

from hypothesis import strategies as st

from cloud_bridge.core.model import Payment
from cloud_bridge.ports import NoticeRejected
from cloud_bridge.wechat import v2_xml
from cloud_bridge.wechat.v2_notices import V2Notices
from cloud_bridge.wechat.v2_scans import read_order_request
from tests.unit.wechat.v2_parties import ACCOUNT, APPID, MCHID, MD5, SALE, SETTINGS, payment, told, xml

_NOTICE: Final = told(payment())
_REFUND: Final = xml({"appid": APPID, "mch_id": MCHID, "req_info": "AAAAAAAAAAAAAAAAAAAAAA=="})
_ASKED: Final = told({"product_id": "vm-0001_12", "openid": "oUpF8uMuAJO", "is_subscribe": "Y"}, MD5)
GOOD: Final = (_NOTICE, _REFUND, _ASKED, b'<?xml version="1.0" encoding="UTF-8"?>\n<xml><a>1</a></xml>')
BITS: Final = (
    *(
        b"<xml>",
        b"</xml>",
        b"<a>",
        b"</a>",
        b"<a/>",
        b"<![CDATA[",
        b"]]>",
        b"<!--",
        b"-->",
        b"<?x ?>",
        b"&lt;",
    ),
    *(b"&#0;", b"&#1;", b"&#x20;", b"&#xd800;", b"&e;", b' a="1"', b' xmlns="urn:x"', b"<x:a>1</x:a>"),
    *(b'<!DOCTYPE x [<!ENTITY e "e">]>', b'<!DOCTYPE x SYSTEM "x">', b"\xef\xbb\xbf", "金额".encode("gbk")),
    *(b"<total_fee>1</total_fee>", b'encoding="GBK"', b"\r\n", "签".encode(), b"<sign></sign>"),
)


def read(body: bytes) -> str:
    """What became of a message; AssertionError when another reader would read another one."""
    try:
        members = dict(v2_xml.read(body))
    except v2_xml.BadXml as refused:
        return refused.why
    root = ET.fromstring(body)
    assert members == {element.tag: element.text or "" for element in root}
    assert dict(v2_xml.read(v2_xml.write(members))) == members
    return f"accepted, {_believed(body)}"


def _believed(body: bytes) -> str:
    """Whether what is signed was believed, and then as it was said."""
    try:
        fact = V2Notices(SETTINGS, ACCOUNT).open({}, body, 0)
        assert isinstance(fact, Payment)
        assert (fact.sale_id, fact.paid_fen) == (SALE, 350)
        return "a payment"
    except NoticeRejected as rejected:
        said = rejected.why
    try:
        return f"an order request for {read_order_request(ACCOUNT, body).token}"
    except NoticeRejected:
        return said


def inputs(spoilt: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Spoilt messages, and texts that stand alone in a good one."""
    text = st.text(max_size=40).map(lambda value: v2_xml.write({"a": value}))
    return st.one_of(spoilt, spoilt, text)
