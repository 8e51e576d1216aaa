"""Order requests in the bridge's words and the wire's, in both directions. Pure."""

from typing import Final

from cloud_bridge.core.model import LeaseDenied, Requested, Session
from cloud_bridge.core.scan import TellCodes, TellLease, TellOffered
from wire.lease import HeldCode, LaneCodes, LeaseGranted, LeaseRefused, LeaseRequest, SaleOffered

# A machine that hears of a scan later than this need not answer any more.
LEASE_EXPIRY_S: Final = 5


def granted(machine: str, session: Session, message: LeaseGranted) -> Requested:
    """The machine opened a sale for a scan."""
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
        request_id=message.request_id,
    )


def denied(machine: str, session: Session, message: LeaseRefused) -> LeaseDenied:
    """The machine opens none."""
    return LeaseDenied(machine=machine, session=session, request_id=message.request_id, why=message.why)


def to_wire(message: TellLease | TellCodes | TellOffered) -> LeaseRequest | LaneCodes | SaleOffered:
    """What a machine is told. Raises wire.messages.BadMessage for what no machine would take."""
    match message:
        case TellLease():
            return LeaseRequest(
                request_id=message.request_id,
                jid=message.jid,
                boot=message.boot,
                lane=message.lane,
                token=message.token,
                replaces=message.replaces,
            )
        case TellCodes():
            return LaneCodes(
                jid=message.jid,
                boot=message.boot,
                version=message.version,
                lane=message.lane,
                codes=tuple(HeldCode(token=code.token, code_url=code.code_url) for code in message.codes),
            )
        case TellOffered():
            return SaleOffered(sale_id=message.sale_id, pay_s=message.pay_s, price_fen=message.price_fen)
