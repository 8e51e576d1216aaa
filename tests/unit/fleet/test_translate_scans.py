"""Order requests between the bridge's words and the wire's: nothing is lost on the way, either way."""

from dataclasses import asdict
from typing import Any

import pytest

from cloud_bridge.core.model import LeaseDenied, Requested, Session
from cloud_bridge.core.scan import HeldCode, TellCodes, TellLease, TellOffered
from cloud_bridge.core.timings import Timings
from cloud_bridge.fleet import translate
from wire.codec import decode, encode
from wire.lease import LeaseGranted, LeaseRefused
from wire.messages import BadMessage
from wire.topics import Branch, Topic

WHO: dict[str, Any] = {"jid": "j" * 26, "boot": 3, "bits": "0" * 16}
SESSION = Session(jid="j" * 26, boot=3, bits="0" * 16)
LEASE = TellLease(request_id="r" * 26, jid="j" * 26, boot=3, lane=12, token="t-1", replaces="s" * 26)
CODES = TellCodes(
    jid="j" * 26, boot=3, version=9, lane=12, codes=(HeldCode(token="t-1", code_url="weixin://1"),)
)
OFFERED = TellOffered(sale_id="s" * 26, pay_s=175, price_fen=350)


@pytest.mark.parametrize(
    ("told", "kind"), [(LEASE, "lease.request"), (CODES, "codes"), (OFFERED, "sale.offered")]
)
def test_what_a_machine_is_told_about_a_scan_arrives_whole(
    told: TellLease | TellCodes | TellOffered, kind: str
) -> None:
    payload = encode(translate.to_wire(told))
    assert asdict(decode(Topic("vm-0001", Branch.DOWN, kind), payload)) == asdict(told)


def test_a_granted_lease_is_a_sale_that_names_its_scan_and_no_token_yet() -> None:
    said = LeaseGranted(
        **WHO,
        n=7,
        request_id="r" * 26,
        sale_id="s" * 26,
        lane=12,
        price_fen=350,
        catalogue_version=7,
        lease_s=240,
        start_s=5,
    )
    assert translate.from_wire("vm-0001", said) == Requested(
        machine="vm-0001",
        session=SESSION,
        n=7,
        sale_id="s" * 26,
        lane=12,
        price_fen=350,
        catalogue_version=7,
        lease_s=240,
        start_s=5,
        request_id="r" * 26,
        token="",
    )


def test_a_refused_lease_says_why() -> None:
    said = LeaseRefused(**WHO, n=0, request_id="r" * 26, why="sold_out")
    assert translate.from_wire("vm-0001", said) == LeaseDenied(
        machine="vm-0001", session=SESSION, request_id="r" * 26, why="sold_out"
    )


def test_a_broker_forgets_a_scan_that_nobody_waits_for_any_more() -> None:
    assert translate.expiry_s(LEASE, Timings()) == 5
    assert translate.expiry_s(OFFERED, Timings()) == 175


def test_what_no_machine_would_take_is_not_said() -> None:
    with pytest.raises(BadMessage, match=r"^request_id: found text of 0"):
        translate.to_wire(TellLease(request_id="", jid="j" * 26, boot=1, lane=1, token="", replaces=""))
