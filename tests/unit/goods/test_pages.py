"""The pages and routes of catalogue and stock, on real books, as a browser and a program ask for them."""

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cloud_bridge.core.catalogue import Lane, lane_key
from cloud_bridge.web.catalogue import catalogue_routes
from cloud_bridge.web.catalogue_pages import catalogue_pages
from cloud_bridge.web.stock import stock_routes
from tests.unit.goods.books import ONE, TWO, shelf
from tests.unit.goods.shop import Kiosk
from tests.unit.web.bridge import MACHINE, UNHEARD, Bridge
from tests.unit.web.serving import Answer, Site, request, site

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 5_000


class Place:
    """A kiosk with pages around it."""

    def __init__(self, kiosk: Kiosk, served: Site) -> None:
        self.kiosk, self.served = kiosk, served

    async def page(self, path: str) -> str:
        answer = await self.served.get(path)
        assert answer.status == 200, answer.body
        return answer.body.decode()

    async def does(self, path: str, asked: "dict[str, Any] | bytes") -> Answer:
        token = (await self.served.get("/api/person")).json["token"]
        body = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
        kind = "image/png" if isinstance(asked, bytes) else "application/json"
        heads = {"Content_Length": str(len(body)), "Content_Type": kind}
        heads |= {"Origin": self.served.url, "X_Wxvend_Token": token}
        return await self.served.say(request("POST", path, body, **heads))


@asynccontextmanager
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    with Kiosk(tmp_path, shelf(ONE), shelf(TWO)) as kiosk:
        await kiosk.catalogues.open()
        roster = Bridge(views={ONE: MACHINE, TWO: UNHEARD})
        rooms = (
            catalogue_pages(kiosk.catalogues),
            catalogue_routes(kiosk.catalogues, kiosk.clock),
            stock_routes(kiosk.stocks, roster, kiosk.clock),
        )
        async with site(rooms=rooms) as served:
            yield Place(kiosk, served)


EMPTY: dict[str, Any] = {"kind": "lane", "key": "x/1", "value": {}}


def cola(price_fen: int, **more: object) -> dict[str, Any]:
    value = {"name_zh": "可乐", "name_en": "Cola", "price_fen": price_fen, **more}
    return {"kind": "product", "key": "cola", "value": value}


async def test_a_person_changes_a_price_and_sees_who_did_it_and_how_far_it_is(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        wish = {"base": 1, "why": "<dearer>", "items": [cola(380)]}
        told = (await here.does("/api/catalogue/edit", wish)).json
        assert (told["edition"], told["machines"]) == (2, [ONE, TWO])
        page = await here.page("/catalogue?language=en")
        assert "&lt;dearer&gt;" in page
        assert "<del>¥3.50</del> <ins>¥3.80</ins>" in page
        assert "Rolling out" in page
        assert "Back to version 1" in page
        chinese = await here.page("/catalogue?language=zh")
        assert "正在下发" in chinese
        lanes = await here.page(f"/catalogue/machines/{ONE}?language=en")
        assert "可乐 / Cola · ¥3.80" in lanes
        assert (await here.served.get("/catalogue/machines/vm-9999")).status == 404


@pytest.mark.parametrize(
    ("wish", "status", "words"),
    [
        ({"base": 1, "why": " ", "items": [cola(380)]}, 422, "why: found"),
        ({"base": 1, "why": "w", "items": [cola(380)], "minutes": 0}, 422, "minutes: found 0"),
        (
            {"base": 1, "why": "w", "items": [cola(380, glow=1)]},
            422,
            "cola: found glow, allowed name_zh",
        ),
        ({"base": 1, "why": "w", "items": [cola(380, picture=1)]}, 422, "picture: found 1, allowed str"),
        (
            {"base": 1, "why": "w", "items": [{"kind": "lane", "key": "x/1", "value": {}}]},
            422,
            "found no product",
        ),
        ({"base": 1, "why": "w", "items": [{"kind": "shelf", "key": "x"}]}, 400, "kind"),
        ({"base": 1, "why": "w", "items": [cola(0)]}, 200, "price_fen: found 0"),
        ({"base": 7, "why": "w", "items": [cola(380)]}, 200, "somebody was faster"),
    ],
)
async def test_a_wish_that_cannot_be_says_why_and_changes_nothing(
    wish: dict[str, Any], status: int, words: str, tmp_path: Path
) -> None:
    async with place(tmp_path) as here:
        answer = await here.does("/api/catalogue/edit", wish)
        assert (answer.status, words in answer.body.decode()) == (status, True), answer.body
        assert (await here.kiosk.catalogues.view()).edition == 1


async def test_a_picture_is_kept_once_and_shown_to_whoever_may_look(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        sha = hashlib.sha256(PNG).hexdigest()
        assert (await here.does("/api/catalogue/pictures?name=cola", PNG)).json["sha256"] == sha
        assert (await here.does("/api/catalogue/pictures", b"GIF89a")).json["why"] != ""
        assert (await here.does("/api/catalogue/pictures", PNG + b"0" * 100_000)).status == 413
        shown = await here.served.get(f"/api/catalogue/pictures/{sha}")
        assert (shown.headers["content-type"], shown.body) == ("image/png", PNG)
        assert (await here.served.get(f"/api/catalogue/pictures/{'0' * 64}")).status == 404
        wish = {"base": 1, "why": "w", "items": [cola(350, picture=sha)]}
        assert (await here.does("/api/catalogue/edit", wish)).json["edition"] == 2
        assert f'src="/api/catalogue/pictures/{sha}"' in await here.page("/catalogue")


async def test_tables_go_out_and_come_in_and_say_each_mistake(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        table = await here.page("/api/catalogue/products.csv")
        dearer = table.replace(",350,", ",380,")
        broken = dearer + "tea,,Tea,1.5,,\n"
        told = (await here.does("/api/catalogue/import", {"texts": [broken], "why": "w"})).json
        assert told["edition"] == 0
        assert "file 1, row 4, column price_fen: found '1.5'" in told["mistakes"][0]
        told = (await here.does("/api/catalogue/import", {"texts": [dearer], "why": "w"})).json
        assert told["edition"] == 2
        assert f"{ONE},11,cola" in await here.page("/api/catalogue/lanes.csv")


async def test_what_waits_for_a_second_person_is_shown_and_not_agreed_to_by_the_first(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        wish = {"base": 1, "why": "w", "items": [cola(35)]}
        assert (await here.does("/api/catalogue/edit", wish)).json["pending"] == 1
        page = await here.page("/catalogue?language=en")
        assert "Somebody else has to agree" in page
        assert "¥0.35 is far from ¥3.50" in page
        assert "与原价 ¥3.50 相差过大" in await here.page("/catalogue?language=zh")
        assert (
            "allowed is another one" in (await here.does("/api/catalogue/agree", {"number": 1})).json["why"]
        )
        assert (await here.does("/api/catalogue/agree", {"number": 9})).status == 404
        assert (await here.does("/api/catalogue/drop", {"number": 1})).json["why"] == ""


async def test_a_lane_is_filled_on_the_page_and_counts_once(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        await here.kiosk.edit({lane_key(ONE, 12): Lane(product="cola", par=9)})
        here.kiosk.board(ONE, [(12, 5)])
        put = {"machine": ONE, "lane": 12, "hand": "refilled", "count": 6, "key": "act"}
        for _ in range(2):
            assert (await here.does("/api/stock", put)).json == {"why": ""}
        page = await here.page("/stock?language=en")
        assert '>6</td><td class="number">5</td>' in page
        assert "-1</td>" in page
        assert (await here.does("/api/stock", put | {"lane": 99, "key": "x"})).json["why"] != ""
        assert (await here.does("/api/stock", put | {"why": "a\nb"})).status == 422
        tour = await here.page("/stock/restock?language=en")
        assert "<strong>3</strong>" in tour
        assert f",{ONE},12,cola,可乐,Cola,6,9,3," in await here.page("/api/stock/restock.csv")
        assert "No lane needs pieces" in await here.page("/stock/restock?route=south&language=en")
