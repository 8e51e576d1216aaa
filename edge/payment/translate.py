"""The machine's words and the wire's, in both directions. Pure, total, and nothing else."""

from collections.abc import Sequence
from typing import assert_never

from edge.core.command import ReportCommand
from edge.core.faults import FAULTS, Fault
from edge.core.model import (
    Answer,
    ClearAlarm,
    CodeOffered,
    CodeRefused,
    GrantLease,
    PaymentConfirmed,
    Queried,
    RaiseAlarm,
    RefundTold,
    ReportClosed,
    ReportOutcome,
    RequestCode,
    Sale,
    Session,
)
from edge.core.pocket import CodesHeld, HeldCode, LeaseAsked
from edge.core.screen import Product
from edge.payment import translate_commands as commands
from edge.ports import CatalogueReceived, Heading, Report, SaleMessage
from wire.day import ROWS_LIMIT, JournalAsked, JournalRow, JournalRows
from wire.lease import LaneCodes, LeaseGranted, LeaseRefused, LeaseRequest, SaleOffered
from wire.messages import (
    Alarm,
    Birth,
    Catalogue,
    OfASale,
    SaleClosed,
    SaleCode,
    SaleOutcome,
    SalePaid,
    SaleQuery,
    SaleRefund,
    SaleRefused,
    SaleRequested,
    SaleStatus,
    Up,
)


def to_wire(heading: Heading, sale: Sale, report: Report, start_s: int, lease_s: int) -> Up:
    """A numbered report about a sale as a message."""
    who, n, sale_id = heading.session, heading.n, sale.sale_id
    match report:
        case RequestCode() | GrantLease():
            return _opened(heading, sale, start_s, lease_s)
        case ReportClosed(why=why):
            return SaleClosed(jid=who.jid, boot=who.boot, bits=who.bits, n=n, sale_id=sale_id, why=why)
        case ReportOutcome(outcome=outcome, why=why, evidence=evidence):
            return SaleOutcome(
                jid=who.jid,
                boot=who.boot,
                bits=who.bits,
                n=n,
                sale_id=sale_id,
                outcome=outcome.value,
                why=why,
                evidence=evidence[:400],
                row_hash=heading.row_hash,
            )
        case RaiseAlarm():
            return _alarm(heading, report, report.lane or sale.lane)
        case ClearAlarm(name=name, lane=lane):
            return _alarm_over(heading, name, lane)
        case ReportCommand():
            return commands.done(heading, report)
        case _:
            assert_never(report)


def _opened(heading: Heading, sale: Sale, start_s: int, lease_s: int) -> SaleRequested | LeaseGranted:
    """What the machine promises, for a selection or for a scan."""
    who = heading.session
    if not sale.request_id:
        return SaleRequested(
            jid=who.jid,
            boot=who.boot,
            bits=who.bits,
            n=heading.n,
            sale_id=sale.sale_id,
            lane=sale.lane,
            price_fen=sale.price_fen,
            catalogue_version=sale.catalogue_version,
            lease_s=lease_s,
            start_s=start_s,
        )
    return LeaseGranted(
        jid=who.jid,
        boot=who.boot,
        bits=who.bits,
        n=heading.n,
        request_id=sale.request_id,
        sale_id=sale.sale_id,
        lane=sale.lane,
        price_fen=sale.price_fen,
        catalogue_version=sale.catalogue_version,
        lease_s=lease_s,
        start_s=start_s,
    )


def _alarm(heading: Heading, alarm: RaiseAlarm, lane: int) -> Alarm:
    who = heading.session
    return Alarm(
        jid=who.jid,
        boot=who.boot,
        bits=who.bits,
        n=heading.n,
        name=alarm.name,
        raised=True,
        code=FAULTS[Fault(alarm.fault)].code if alarm.fault else "",
        text=alarm.text,
        lane=lane,
        fault=alarm.fault or None,
    )


def _alarm_over(heading: Heading, name: str, lane: int) -> Alarm:
    who = heading.session
    return Alarm(
        jid=who.jid,
        boot=who.boot,
        bits=who.bits,
        n=heading.n,
        name=name,
        raised=False,
        code="",
        text="",
        lane=lane,
    )


def status(session: Session, sale_id: str, answer: Answer) -> SaleStatus:
    """What a row says."""
    return SaleStatus(
        jid=session.jid,
        boot=session.boot,
        bits=session.bits,
        n=0,
        sale_id=sale_id,
        state=answer.state,
        why=answer.why,
        evidence=answer.evidence[:400],
    )


def refused(session: Session, request_id: str, why: str) -> LeaseRefused:
    """No sale for this scan."""
    return LeaseRefused(
        jid=session.jid, boot=session.boot, bits=session.bits, n=0, request_id=request_id, why=why
    )


def a_day(session: Session, asked: JournalAsked, rows: Sequence[Sale]) -> JournalRows:
    """Some rows of a day; one more than fits says that others follow."""
    return JournalRows(
        jid=session.jid,
        boot=session.boot,
        bits=session.bits,
        n=0,
        ask=asked.ask,
        rows=tuple(
            JournalRow(sale_id=row.sale_id, state=row.state.value, lane=row.lane, price_fen=row.price_fen)
            for row in rows[:ROWS_LIMIT]
        ),
        more=len(rows) > ROWS_LIMIT,
    )


def birth(session: Session, n: int, catalogue_version: int, software: str, challenge: str) -> Birth:
    """A session has begun, or the link is back, or the bridge asked who lives now."""
    return Birth(
        jid=session.jid,
        boot=session.boot,
        bits=session.bits,
        n=n,
        catalogue_version=catalogue_version,
        software=software,
        challenge=challenge,
    )


def from_wire(message: OfASale, payload_hash: str) -> SaleMessage:
    """A verified message about a sale as a fact. `payload_hash` is the SHA-256 of the signed bytes."""
    return SaleMessage(sale_id=message.sale_id, event=_event(message, payload_hash))


def _event(
    message: OfASale, payload_hash: str
) -> CodeOffered | CodeRefused | PaymentConfirmed | RefundTold | Queried:
    match message:
        case SaleCode():
            return CodeOffered(code_url=message.code_url, pay_s=message.pay_s, price_fen=message.price_fen)
        case SaleOffered():
            return CodeOffered(code_url="", pay_s=message.pay_s, price_fen=message.price_fen)
        case SaleRefused():
            return CodeRefused(why=message.why)
        case SalePaid():
            return PaymentConfirmed(
                session_jid=message.jid,
                session_boot=message.boot,
                lane=message.lane,
                paid_fen=message.paid_fen,
                paid_hash=payload_hash,
            )
        case SaleRefund():
            return RefundTold(state=message.state)
        case SaleQuery():
            return Queried()
        case _:
            assert_never(message)


def lease(message: LeaseRequest) -> LeaseAsked:
    """Somebody scanned a code."""
    return LeaseAsked(
        request_id=message.request_id,
        session_jid=message.jid,
        session_boot=message.boot,
        lane=message.lane,
        token=message.token,
        replaces=message.replaces,
    )


def codes(message: LaneCodes) -> CodesHeld:
    """What may be shown for a lane."""
    return CodesHeld(
        session_jid=message.jid,
        session_boot=message.boot,
        version=message.version,
        lane=message.lane,
        codes=tuple(HeldCode(token=code.token, code_url=code.code_url) for code in message.codes),
    )


def catalogue(message: Catalogue, raw: bytes) -> CatalogueReceived:
    """Desired state as the engine keeps it."""
    products = tuple(
        Product(
            lane=lane.lane,
            name_zh=lane.name_zh,
            name_en=lane.name_en,
            price_fen=lane.price_fen,
            picture=lane.picture,
            sold_out_at=lane.sold_out_at or 0,
        )
        for lane in message.lanes
    )
    return CatalogueReceived(version=message.version, phone=message.phone, products=products, raw=raw)
