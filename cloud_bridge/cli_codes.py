"""What `wxvend bridge codes` does: a label for each lane of a machine that is to have printed codes."""

import secrets
import time
from collections.abc import Mapping
from pathlib import Path

from cloud_bridge.app_scans import tokens_of
from cloud_bridge.config import BridgeSettings, read_settings
from cloud_bridge.engine_catalogue_parts import on_shelf
from cloud_bridge.engine_tokens import Token, Use
from cloud_bridge.ports import Shelf
from cloud_bridge.sheets import Label, pages, save_pdf, save_pngs
from cloud_bridge.store import looking
from cloud_bridge.store.schema import StoreUnusable
from cloud_bridge.wechat.v2_account import V2Account, load_account
from cloud_bridge.wechat.v2_scans import product_code_url


class NoCodes(Exception):
    """This machine is not there, or is to have no printed codes; what to do stands in the words."""


def write_codes(config: Path, machine: str, out: Path, *, pictures: bool) -> list[Path]:
    """Write the sheets of a machine into `out`; which files.

    Raises BadSettings, NoCodes, BadKeyFile, BadCredentials, sheets.NoFont, OSError.
    """
    settings = read_settings(config)
    shelf = _shelf(settings, machine)
    account = load_account(settings.older_accounts[shelf.merchant])
    sheets = list(pages(_labels(settings, shelf, account)))
    out.mkdir(parents=True, exist_ok=True)
    stem = f"{machine}-codes-{shelf.printed_codes}"
    if pictures:
        return save_pngs(out, stem, sheets)
    path = out / f"{stem}.pdf"
    save_pdf(path, sheets)
    return [path]


def _labels(settings: BridgeSettings, shelf: Shelf, account: V2Account) -> list[Label]:
    tokens, made_s = tokens_of(settings), int(time.time_ns() // 1_000_000_000)
    labels = []
    for product in sorted(shelf.products, key=lambda each: each.lane):
        token = Token(use=Use.PRINTED, machine=shelf.machine, lane=product.lane, serial=shelf.printed_codes)
        code = product_code_url(account, tokens.seal(token), made_s=made_s, nonce=secrets.token_hex(8))
        labels.append(
            Label(
                machine=shelf.machine,
                lane=product.lane,
                name_zh=product.name_zh,
                name_en=product.name_en,
                price_fen=product.price_fen,
                phone=shelf.phone,
                edition=shelf.printed_codes,
                code=code,
            )
        )
    return labels


def _shelf(settings: BridgeSettings, machine: str) -> Shelf:
    shelves: Mapping[str, Shelf] = {shelf.machine: shelf for shelf in settings.shelves}
    if machine not in shelves:
        raise NoCodes(f"--machine: found {machine!r}, allowed {', '.join(shelves)}")
    if not shelves[machine].printed_codes:
        raise NoCodes(f"machines: {machine}: printed_codes: found 0, allowed 1 or more. Try: 1")
    return _as_offered(settings, shelves[machine])


def _as_offered(settings: BridgeSettings, shelf: Shelf) -> Shelf:
    """With the prices that the books offer, where there are books of this machine already."""
    try:
        bundle = looking.catalogue(settings.store.url, lambda tx: tx.newest_bundle(shelf.machine))
    except StoreUnusable:
        return shelf
    return shelf if bundle is None else on_shelf(shelf, bundle)
