"""One good message of each kind, and keys made from fixed seeds, for the tests of the wire."""

from typing import Final

from wire.catalogue import CatalogueStatus
from wire.command import Command, CommandResult, Fill
from wire.day import JournalAsked, JournalRow, JournalRows
from wire.envelope import Keyring, PrivateKey, PublicKey, Signer
from wire.lease import (
    HeldCode,
    LaneCodes,
    LeaseGranted,
    LeaseRefused,
    LeaseRequest,
    SaleOffered,
)
from wire.messages import (
    Ack,
    Alarm,
    Birth,
    Catalogue,
    CatalogueLane,
    Challenge,
    Message,
    SaleClosed,
    SaleCode,
    SaleOutcome,
    SalePaid,
    SaleQuery,
    SaleRefund,
    SaleRefused,
    SaleRequested,
    SaleStatus,
)

MACHINE: Final = "cafe-07"
JID: Final = "abcdefghijklmnopqrstuvwxyz"
SALE: Final = "mmmmmmmmmmmmmmmmmmmmmmmm27"
OTHER_SALE: Final = "nnnnnnnnnnnnnnnnnnnnnnnn27"
REQUEST: Final = "rrrrrrrrrrrrrrrrrrrrrrrr27"
TOKEN: Final = "t0ken-of_one-use"
BITS: Final = "0123456789abcdef"
NONCE: Final = "0123456789abcdef" * 2
CODE_URL: Final = "weixin://wxpay/bizpayurl?pr=Secr3tCode"

MESSAGES: Final[tuple[Message, ...]] = (
    Birth(jid=JID, boot=3, bits=BITS, n=41, catalogue_version=7, software="0.1.0"),
    SaleRequested(
        jid=JID,
        boot=3,
        bits=BITS,
        n=42,
        sale_id=SALE,
        lane=12,
        price_fen=350,
        catalogue_version=7,
        lease_s=120,
        start_s=15,
    ),
    SaleClosed(jid=JID, boot=3, bits=BITS, n=43, sale_id=SALE, why="cancelled"),
    SaleOutcome(
        jid=JID,
        boot=3,
        bits=BITS,
        n=44,
        sale_id=SALE,
        outcome="not_delivered",
        why="moved",
        evidence="status 03: 电机卡住",
        row_hash="00ff" * 16,
    ),
    SaleStatus(jid=JID, boot=3, bits=BITS, n=0, sale_id=SALE, state="busy", why="", evidence="motor runs"),
    Alarm(
        jid=JID, boot=3, bits=BITS, n=45, name="lane_jammed", raised=True, code="E21", text="卡货", lane=12
    ),
    LeaseGranted(
        jid=JID,
        boot=3,
        bits=BITS,
        n=46,
        request_id=REQUEST,
        sale_id=SALE,
        lane=12,
        price_fen=350,
        catalogue_version=7,
        lease_s=240,
        start_s=5,
    ),
    LeaseRefused(jid=JID, boot=3, bits=BITS, n=0, request_id=REQUEST, why="sold_out"),
    SaleCode(sale_id=SALE, code_url=CODE_URL, pay_s=95, price_fen=350),
    SaleRefused(sale_id=SALE, why="price_differs"),
    SalePaid(sale_id=SALE, jid=JID, boot=3, lane=12, paid_fen=350, issued_ms=1_790_000_000_123),
    SaleRefund(sale_id=SALE, refund_fen=350, state="started"),
    SaleQuery(sale_id=SALE),
    SaleOffered(sale_id=SALE, pay_s=175, price_fen=350),
    LeaseRequest(request_id=REQUEST, jid=JID, boot=3, lane=12, token=TOKEN, replaces=OTHER_SALE),
    LaneCodes(jid=JID, boot=3, version=9, lane=12, codes=(HeldCode(token=TOKEN, code_url=CODE_URL + "2"),)),
    JournalAsked(ask=BITS, from_ms=1_795_449_600_000, until_ms=1_795_536_000_000, after=SALE),
    JournalRows(
        jid=JID,
        boot=3,
        bits=BITS,
        n=0,
        ask=BITS,
        rows=(
            JournalRow(sale_id=SALE, state="delivered", lane=12, price_fen=350),
            JournalRow(sale_id=OTHER_SALE, state="closed", lane=13, price_fen=200),
        ),
        more=True,
    ),
    Command(
        command_id=REQUEST,
        jid=JID,
        boot=3,
        what="refill",
        by="ann",
        why="补货",
        fills=(Fill(lane=12, count=5), Fill(lane=13, count=8)),
        ticket=NONCE,
    ),
    CommandResult(
        jid=JID,
        boot=3,
        bits=BITS,
        n=47,
        command_id=REQUEST,
        what="refill",
        state="done",
        by="ann",
        reason="补货",
        fills=(Fill(lane=12, count=5), Fill(lane=13, count=8)),
    ),
    CatalogueStatus(
        jid=JID,
        boot=3,
        bits=BITS,
        n=0,
        version=7,
        offered=8,
        why="lanes[1].price_fen: found 0, allowed 1 to 10000000 fen",
    ),
    Ack(jid=JID, n=42, upto=41),
    Challenge(challenge=NONCE),
    Catalogue(
        version=8,
        phone="400-000-0000",
        lanes=(
            CatalogueLane(lane=1, name_zh="矿泉水", name_en="Water", price_fen=200),
            CatalogueLane(lane=12, name_zh="可乐", name_en="Cola", price_fen=350, picture="cola.png"),
        ),
    ),
)


def key(seed: int) -> PrivateKey:
    """Make the same key for the same seed (1 to 255)."""
    return PrivateKey.from_private_bytes(bytes([seed]) * 32)


def public(seed: int) -> PublicKey:
    """Give the public half of `key(seed)`."""
    return key(seed).public_key()


BRIDGE_SEED: Final = 1
NEXT_BRIDGE_SEED: Final = 2
MACHINE_SEED: Final = 3
OTHER_MACHINE_SEED: Final = 4


def bridge_signer() -> Signer:
    """The bridge's voice."""
    return Signer("bridge-1", key(BRIDGE_SEED))


def machine_signer() -> Signer:
    """The machine's voice."""
    return Signer("cafe-07-1", key(MACHINE_SEED))


def edge_keyring() -> Keyring:
    """What the machine believes: two keys of the bridge."""
    return Keyring.of_edge(MACHINE, {"bridge-1": public(BRIDGE_SEED), "bridge-2": public(NEXT_BRIDGE_SEED)})


def bridge_keyring() -> Keyring:
    """What the bridge believes: one key for each of two machines."""
    return Keyring.of_bridge(
        {
            MACHINE: ("cafe-07-1", public(MACHINE_SEED)),
            "cafe-08": ("cafe-08-1", public(OTHER_MACHINE_SEED)),
        }
    )


class Lines:
    """A log that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []

    def info(self, event: str, /, **fields: object) -> None:
        self.lines.append((event, fields))

    def warning(self, event: str, /, **fields: object) -> None:
        self.lines.append((event, fields))
