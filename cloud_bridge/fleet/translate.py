"""The bridge's words and the wire's, in both directions, and how long a word is worth keeping. Pure."""

import json
import math
from collections.abc import Sequence
from typing import Final, assert_never

from cloud_bridge.core.bill import MachineRow
from cloud_bridge.core.command import TellCommand
from cloud_bridge.core.model import (
    AlarmReported,
    Born,
    ClosedByMachine,
    FromMachine,
    OutcomeReported,
    Requested,
    Session,
    StatusAnswered,
    TellAck,
    TellChallenge,
    TellCode,
    TellJournal,
    TellPaid,
    TellQuery,
    TellRefund,
    TellRefused,
    ToMachine,
)
from cloud_bridge.core.scan import TellCodes, TellLease, TellOffered
from cloud_bridge.core.timings import Timings
from cloud_bridge.fleet import translate_commands as commands
from cloud_bridge.fleet import translate_scans as scans
from cloud_bridge.ports import CaseView, Shelf
from cloud_bridge.ports_bills import JournalAnswer
from cloud_bridge.ports_catalogue import CatalogueTold
from wire.catalogue import CatalogueStatus
from wire.command import CommandResult
from wire.day import JournalAsked, JournalRows
from wire.lease import LeaseGranted, LeaseRefused
from wire.messages import (
    Ack,
    Alarm,
    Birth,
    Catalogue,
    CatalogueLane,
    Challenge,
    Down,
    SaleClosed,
    SaleCode,
    SaleOutcome,
    SalePaid,
    SaleQuery,
    SaleRefund,
    SaleRefused,
    SaleRequested,
    SaleStatus,
    Spoken,
)

# A machine repeats a birth every 3 s and a report every 5 s until it is answered.
ANSWER_EXPIRY_S: Final = 30


def from_wire(machine: str, message: Spoken) -> FromMachine:
    """A verified message of `machine` as a fact."""
    session = Session(jid=message.jid, boot=message.boot, bits=message.bits)
    match message:
        case Birth():
            return Born(
                machine=machine,
                session=session,
                n=message.n,
                catalogue_version=message.catalogue_version,
                software=message.software,
                challenge=message.challenge,
            )
        case SaleRequested():
            return Requested(
                machine=machine,
                session=session,
                n=message.n,
                sale_id=message.sale_id,
                lane=message.lane,
                price_fen=message.price_fen,
                catalogue_version=message.catalogue_version,
                lease_s=message.lease_s,
                start_s=message.start_s,
            )
        case Alarm():
            return AlarmReported(
                machine=machine,
                session=session,
                n=message.n,
                name=message.name,
                raised=message.raised,
                code=message.code,
                text=message.text,
                lane=message.lane,
            )
        case CommandResult():
            return commands.answered(machine, session, message)
        case LeaseGranted():
            return scans.granted(machine, session, message)
        case LeaseRefused():
            return scans.denied(machine, session, message)
        case SaleClosed() | SaleOutcome() | SaleStatus():
            return _ended(machine, session, message)
        case _:
            assert_never(message)


def from_journal(machine: str, message: JournalRows) -> JournalAnswer:
    """What a machine's own journal says, as a fact."""
    return JournalAnswer(
        machine=machine,
        session=Session(jid=message.jid, boot=message.boot, bits=message.bits),
        ask=message.ask,
        rows=tuple(
            MachineRow(row.sale_id, machine, row.state, row.price_fen, day="") for row in message.rows
        ),
        more=message.more,
    )


def from_catalogue(machine: str, message: CatalogueStatus) -> CatalogueTold:
    """What a machine says to what it was offered."""
    return CatalogueTold(
        machine=machine,
        session=Session(jid=message.jid, boot=message.boot, bits=message.bits),
        version=message.version,
        offered=message.offered,
        why=message.why,
    )


def running(event: Born) -> CatalogueTold:
    """A birth says which version is in use, too."""
    return CatalogueTold(machine=event.machine, session=event.session, version=event.catalogue_version)


def _ended(
    machine: str, session: Session, message: SaleClosed | SaleOutcome | SaleStatus
) -> ClosedByMachine | OutcomeReported | StatusAnswered:
    match message:
        case SaleClosed():
            return ClosedByMachine(
                machine=machine, session=session, n=message.n, sale_id=message.sale_id, why=message.why
            )
        case SaleOutcome():
            return OutcomeReported(
                machine=machine,
                session=session,
                n=message.n,
                sale_id=message.sale_id,
                outcome=message.outcome,
                why=message.why,
                evidence=message.evidence,
            )
        case SaleStatus():
            return StatusAnswered(
                machine=machine,
                session=session,
                sale_id=message.sale_id,
                state=message.state,
                why=message.why,
                evidence=message.evidence,
            )
        case _:
            assert_never(message)


def to_wire(message: ToMachine) -> Down:
    """What a machine is told, as a message. Raises BadMessage for what no machine would take."""
    match message:
        case TellCode():
            return SaleCode(
                sale_id=message.sale_id,
                code_url=message.code_url,
                pay_s=message.pay_s,
                price_fen=message.price_fen,
            )
        case TellRefused():
            return SaleRefused(sale_id=message.sale_id, why=message.why)
        case TellPaid():
            return SalePaid(
                sale_id=message.sale_id,
                jid=message.jid,
                boot=message.boot,
                lane=message.lane,
                paid_fen=message.paid_fen,
                issued_ms=message.issued_wall_ms,
            )
        case TellRefund():
            return SaleRefund(sale_id=message.sale_id, refund_fen=message.refund_fen, state=message.state)
        case TellQuery():
            return SaleQuery(sale_id=message.sale_id)
        case TellJournal():
            return JournalAsked(
                ask=message.ask, from_ms=message.from_ms, until_ms=message.until_ms, after=message.after
            )
        case TellLease() | TellCodes() | TellOffered():
            return scans.to_wire(message)
        case TellCommand():
            return commands.to_wire(message)
        case TellAck():
            return Ack(jid=message.jid, n=message.n, upto=message.upto)
        case TellChallenge():
            return Challenge(challenge=message.challenge)
        case _:
            assert_never(message)


def expiry_s(message: ToMachine, timings: Timings) -> int:
    """How long a broker keeps it for a machine that is away: until its repeat, or until it is worthless."""
    match message:
        case TellCode() | TellOffered():
            return message.pay_s
        case TellLease():
            return scans.LEASE_EXPIRY_S
        case TellCommand():
            return commands.COMMAND_EXPIRY_S
        case TellPaid():
            return math.ceil(timings.authorise_cap_s)
        case TellQuery():
            return math.ceil(timings.ask_cap_s)
        case TellRefused() | TellRefund() | TellAck() | TellJournal() | TellChallenge() | TellCodes():
            return ANSWER_EXPIRY_S
        case _:
            assert_never(message)


def catalogue(shelf: Shelf) -> Catalogue:
    """Desired state as it stands retained at the broker. Raises wire.messages.BadMessage."""
    lanes = tuple(
        CatalogueLane(
            lane=product.lane,
            name_zh=product.name_zh,
            name_en=product.name_en,
            price_fen=product.price_fen,
            picture=product.picture,
            sold_out_at=product.sold_out_at or None,
        )
        for product in shelf.products
    )
    return Catalogue(version=shelf.version, phone=shelf.phone, lanes=lanes)


def case_state(cases: Sequence[CaseView]) -> bytes:
    """What waits for a person, as a flat state: how many cases, what was paid for them, and the oldest."""
    oldest = cases[0] if cases else None
    values = {
        "open": len(cases),
        "paid_fen": sum({case.sale_id: case.paid_fen for case in cases}.values()),
        "oldest_wall_ms": oldest.opened_wall_ms if oldest else 0,
        "oldest_sale_id": oldest.sale_id if oldest else "",
        "oldest_machine": oldest.machine if oldest else "",
        "oldest_reason": oldest.reason if oldest else "",
        "advice": oldest.advice if oldest else "",
    }
    return json.dumps(values, separators=(",", ":")).encode()
