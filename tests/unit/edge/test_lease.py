"""Who may have a lease after a scan, and which codes may be shown without one."""

from dataclasses import replace
from typing import Any

import pytest

from edge.core import lease
from edge.core.machine import Lane, Machine, next_change_ms, view
from edge.core.model import Sale, Session, State
from edge.core.pocket import CodesHeld, HeldCode, LeaseAsked
from edge.core.screen import Asking, Checking, Code, Idle, OutOfOrder, Product, Scanned, View

SESSION = Session(jid="j" * 26, boot=3, bits="0" * 16)
COLA = Product(lane=12, name_zh="可乐", name_en="Cola", price_fen=350)
TEA = Product(lane=13, name_zh="茶", name_en="Tea", price_fen=400)
FIRST = HeldCode(token="t-1", code_url="weixin://1")
SECOND = HeldCode(token="t-2", code_url="weixin://2")
HELD = CodesHeld(session_jid=SESSION.jid, session_boot=3, version=5, lane=12, codes=(FIRST, SECOND))
NOW = 1_000_000


def machine(**changes: Any) -> Machine:
    well = Machine(
        machine="vm-0001",
        products={12: COLA, 13: TEA},
        lanes={12: Lane(stock=5), 13: Lane(stock=5)},
    )
    return replace(well, **changes)


def holding() -> Machine:
    return lease.hold(machine(), HELD)


def showing() -> Machine:
    shown = lease.show(holding(), 12, NOW)
    assert shown is not None
    return shown


def asked(**changes: Any) -> LeaseAsked:
    plain = LeaseAsked(
        request_id="r" * 26, session_jid=SESSION.jid, session_boot=3, lane=12, token="", replaces=""
    )
    return replace(plain, **changes)


def sale(**changes: Any) -> Sale:
    plain = Sale(
        sale_id="s" * 26,
        lane=12,
        price_fen=350,
        catalogue_version=1,
        session=SESSION,
        opened_wall_ms=0,
        lease_until_ms=NOW + 240_000,
        pay_until_ms=NOW + 232_000,
    )
    return replace(plain, **changes)


def seen(where: Machine, what: Sale | None = None, at_ms: int = NOW) -> View:
    return view(where, what, at_ms).view


# ---------------------------------------------------------------- who may have the lane


def test_a_printed_code_of_a_lane_that_sells_gets_its_lease() -> None:
    assert lease.obstacle(machine(), asked(), None, NOW) == ""


@pytest.mark.parametrize(
    ("changes", "lane", "why"),
    [
        ({"stops": frozenset({"link_down"})}, 12, "link_down"),
        ({"stops": frozenset({"door_open"})}, 12, "door_open"),
        ({"lanes": {12: Lane(stock=0), 13: Lane(stock=5)}}, 12, "sold_out"),
        ({"lanes": {12: Lane(stock=5, fault="jam"), 13: Lane(stock=5)}}, 12, "fault"),
        ({}, 99, "unknown"),
        ({"vends_ms": tuple(range(NOW - 20, NOW))}, 12, "velocity"),
        ({"leases_ms": tuple(range(NOW - lease.REQUESTS_A_MINUTE, NOW))}, 12, "velocity"),
    ],
)
def test_what_cannot_be_sold_gets_no_lease_and_the_reason_is_said(
    changes: dict[str, Any], lane: int, why: str
) -> None:
    assert lease.obstacle(machine(**changes), asked(lane=lane), None, NOW) == why


def test_the_count_of_leases_forgets_after_a_minute() -> None:
    tired = machine(leases_ms=tuple(range(NOW - 60_000 - lease.REQUESTS_A_MINUTE, NOW - 60_000)))
    assert lease.obstacle(tired, asked(), None, NOW) == ""


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (sale(), "busy"),
        (sale(code_url="weixin://a", checked=True), "busy"),
        (sale(request_id="q" * 26), "busy"),
        (sale(state=State.INTENT), "busy"),
        (sale(state=State.DELIVERED), ""),
        (sale(state=State.CLOSED), ""),
    ],
)
def test_one_shopper_at_a_time(what: Sale, why: str) -> None:
    assert lease.obstacle(machine(), asked(), what, NOW) == why


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (sale(request_id="q" * 26), ""),
        (sale(request_id="q" * 26, paying=True), "busy"),
        (sale(request_id="q" * 26, state=State.INTENT), "busy"),
        (sale(), "busy"),  # a selection at the machine is nobody's to replace from afar
        (sale(request_id="q" * 26, sale_id="t" * 26), "busy"),
    ],
)
def test_a_payer_who_scans_again_leaves_his_own_unpaid_sale_and_no_other(what: Sale, why: str) -> None:
    assert lease.obstacle(machine(), asked(replaces="s" * 26), what, NOW) == why


def test_a_code_made_ahead_is_good_while_it_is_on_the_screen_and_a_moment_longer() -> None:
    mine = asked(token=FIRST.token)
    last_ms = NOW + lease.SHOWN_MS + lease.SCANNED_MS - 1
    assert [lease.obstacle(showing(), mine, None, at) for at in (NOW, last_ms, last_ms + 1)] == [
        "",
        "",
        "code",
    ]


@pytest.mark.parametrize(
    "where", [machine(), holding(), showing(), lease.put_away(showing())], ids=lambda each: str(each.shown)
)
def test_a_photographed_code_that_is_not_on_the_screen_is_refused(where: Machine) -> None:
    assert lease.obstacle(where, asked(token=SECOND.token), None, NOW) == "code"


def test_a_code_does_not_open_another_lane() -> None:
    assert lease.obstacle(showing(), asked(token=FIRST.token, lane=13), None, NOW) == "code"


def test_a_printed_code_waits_while_somebody_looks_at_the_screens_code() -> None:
    gone_ms = NOW + lease.SHOWN_MS
    assert [lease.obstacle(showing(), asked(lane=13), None, at) for at in (NOW, gone_ms)] == ["busy", ""]


def test_only_the_session_that_was_asked_answers() -> None:
    assert lease.is_for(asked(), SESSION)
    assert not lease.is_for(asked(session_boot=2), SESSION)
    assert not lease.is_for(asked(session_jid="k" * 26), SESSION)


def test_only_a_sale_of_a_scan_that_waits_for_its_payment_locks_the_keys() -> None:
    assert lease.locked(sale(request_id="q" * 26))
    assert not any(map(lease.locked, (None, sale(), sale(request_id="q" * 26, state=State.CLOSED))))


# ---------------------------------------------------------------- the pocket


def test_a_granted_code_is_never_shown_again() -> None:
    used = lease.granted(showing(), asked(token=FIRST.token), NOW)
    assert used.shown is None
    assert lease.obstacle(used, asked(token=FIRST.token), None, NOW) == "code"
    assert [lease_shown(used, times) for times in range(1, 4)] == ["t-2", "t-2", "t-2"]


def lease_shown(where: Machine, times: int) -> str:
    for _ in range(times):
        shown = lease.show(where, 12, NOW)
        assert shown is not None
        where = shown
    assert where.shown is not None
    return where.shown.code.token


def test_codes_of_a_lane_take_turns() -> None:
    assert [lease_shown(holding(), times) for times in range(1, 5)] == ["t-1", "t-2", "t-1", "t-2"]


def test_a_lane_without_a_code_shows_none() -> None:
    assert lease.show(holding(), 13, NOW) is None
    assert lease.show(lease.hold(holding(), replace(HELD, version=6, codes=())), 12, NOW) is None


@pytest.mark.parametrize("version", [4, 5])
def test_an_older_word_about_a_lane_brings_no_used_code_back(version: int) -> None:
    used = lease.granted(showing(), asked(token=FIRST.token), NOW)
    assert lease.hold(used, replace(HELD, version=version)) == used


def test_a_refill_replaces_what_was_held() -> None:
    third = HeldCode(token="t-3", code_url="weixin://3")
    fresh = lease.hold(holding(), replace(HELD, version=6, codes=(third,)))
    assert [lease_shown(fresh, times) for times in (1, 2)] == ["t-3", "t-3"]


# ---------------------------------------------------------------- the screen


def test_a_code_made_ahead_is_shown_at_once_and_counts_down() -> None:
    assert seen(showing()) == Code(product=COLA, code_url="weixin://1", left_s=90, span_s=90)
    assert seen(showing(), at_ms=NOW + 60_500) == Code(
        product=COLA, code_url="weixin://1", left_s=30, span_s=90
    )
    assert isinstance(seen(showing(), at_ms=NOW + 90_000), Idle)
    assert next_change_ms(showing(), None, NOW + 500) == NOW + 1_000
    assert next_change_ms(showing(), None, NOW + 90_000) is None


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"stops": frozenset({"link_down"})}, OutOfOrder),
        ({"lanes": {12: Lane(stock=0), 13: Lane(stock=5)}}, Idle),
        ({"products": {13: TEA}}, Idle),
    ],
)
def test_a_code_made_ahead_goes_when_it_could_not_be_honoured(
    changes: dict[str, Any], kind: type[View]
) -> None:
    assert isinstance(seen(replace(showing(), **changes)), kind)


def test_the_next_shoppers_code_hides_the_last_ones_thanks() -> None:
    over = sale(state=State.DELIVERED)
    assert isinstance(seen(replace(showing(), ended_ms=NOW), over), Code)


def test_a_scan_is_seen_on_the_screen_from_the_lease_to_the_payment() -> None:
    scanned = sale(request_id="q" * 26)
    assert seen(machine(), scanned) == Scanned(product=COLA)
    assert seen(machine(), replace(scanned, offered=True, checked=True)) == Scanned(product=COLA)
    assert isinstance(seen(machine(), sale()), Asking)


def test_a_scan_whose_time_is_over_or_whose_link_is_gone_is_being_checked() -> None:
    scanned = sale(request_id="q" * 26)
    assert isinstance(seen(machine(), scanned, scanned.pay_until_ms), Checking)
    assert isinstance(seen(machine(stops=frozenset({"link_down"})), scanned), Checking)
    assert next_change_ms(machine(), scanned, NOW) == scanned.pay_until_ms


def test_no_code_and_no_token_shows_in_what_a_log_would_write() -> None:
    assert "weixin" not in repr(showing())
    assert "t-1" not in repr((showing(), asked(token=FIRST.token)))
