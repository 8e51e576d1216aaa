"""A catalogue is followed as a whole or not at all: what is not understood is said, with place and value."""

import json
from typing import Any, Final

import pytest

from tests.unit.wire.samples import BITS, JID, MACHINE
from wire.catalogue import Catalogue, CatalogueLane, CatalogueStatus, offered
from wire.codec import address, decode, encode
from wire.messages import BadMessage
from wire.topics import Branch, Topic

TOPIC: Final = Topic(MACHINE, Branch.SET, "catalogue")
LANE: Final[dict[str, Any]] = {"lane": 12, "name_zh": "可乐", "name_en": "Cola", "price_fen": 350}


def payload(*lanes: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"version": 8, "phone": "400", "lanes": lanes, **more}).encode()


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (payload(LANE, glow=3), "glow: found glow = 3, allowed only version, phone, lanes"),
        (
            payload(LANE, LANE | {"lane": 13, "colour": "red"}),
            "lanes[1].colour of lane 13: found colour = 'red'",
        ),
        (payload(LANE | {"price_fen": 0}), "lanes[0].price_fen: found 0, allowed 1 to 10000000 fen"),
        (payload(LANE | {"price_fen": "3.50"}), "lanes[0].price_fen: found str, allowed int"),
        (payload(LANE | {"sold_out_at": -1}), "lanes[0].sold_out_at: found -1, allowed 0 to 9999 pieces"),
        (payload(LANE, LANE), "lanes: found [12, 12], allowed each lane once"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_with_what_was_found(found: bytes, words: str) -> None:
    with pytest.raises(BadMessage) as told:
        decode(TOPIC, found)
    assert str(told.value).startswith(words)


def test_a_threshold_is_said_only_where_there_is_one() -> None:
    plain = CatalogueLane(**LANE)
    held = CatalogueLane(**LANE | {"lane": 13, "sold_out_at": 2})
    said = json.loads(encode(Catalogue(version=8, phone="", lanes=(plain, held))))
    assert "sold_out_at" not in said["lanes"][0]
    assert said["lanes"][1]["sold_out_at"] == 2


def test_an_answer_comes_back_as_it_was_said() -> None:
    said = CatalogueStatus(jid=JID, boot=3, bits=BITS, n=0, version=7, offered=8, why="lanes: found 0")
    assert decode(address(MACHINE, said), encode(said)) == said


@pytest.mark.parametrize(
    ("found", "version"),
    [
        ({"version": 8}, 8),
        ({"version": True}, 0),
        ({"version": -1}, 0),
        ({"version": "8"}, 0),
        ([], 0),
        ({}, 0),
    ],
)
def test_the_version_of_a_catalogue_that_cannot_be_used_is_told_as_far_as_it_can_be_read(
    found: object, version: int
) -> None:
    assert offered(found) == version
