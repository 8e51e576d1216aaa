"""What is gathered from broker and programs, whatever comes."""

import asyncio

import pytest

from hw_sim.demo.window import Window
from wire.inbound import Inbound

STATE = "wxvend/v1/vm-0001/state/lane/11"


async def test_the_newest_state_stands_and_is_no_fact() -> None:
    window = Window()
    for payload in (b'{"stock": 5}', b'{"stock": 4}'):
        window.take_message(Inbound(topic=STATE, payload=payload, retained=True), 1.0)
    assert window.states == {"lane/11": {"stock": 4}}
    assert window.story.facts == []


async def test_a_message_is_a_fact_unless_it_was_kept_from_earlier() -> None:
    window = Window()
    for retained in (False, True):
        window.take_message(
            Inbound(topic="wxvend/v1/vm-0001/set/catalogue", payload=b"{}", retained=retained), 1.0
        )
    assert [fact.what for fact in window.story.facts] == ["bridge says catalogue"]


async def test_the_newest_letter_of_each_kind_to_the_machine_is_kept_as_it_was() -> None:
    window = Window()
    branches = ("down/sale.paid", "down/sale.paid", "up/sale.outcome")
    letters = [
        Inbound(topic=f"wxvend/v1/vm-0001/{branch}", payload=b"{}", user_properties=(("sig", str(n)),))
        for n, branch in enumerate(branches)
    ]
    for letter in letters:
        window.take_message(letter, 1.0)
    assert window.letters == {"sale.paid": letters[1]}


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("wxvend/v1/vm-0001/state", b"{}"),
        ("wxvend/v1/VM/state/health", b"{}"),
        ("wxvend/v1/vm-0001/side/health", b"{}"),
        ("other", b"{}"),
        (STATE, b"{"),
        (STATE, b"\xff"),
        (STATE, b"[" * 10_000),
    ],
)
async def test_what_strangers_send_is_passed_over(topic: str, payload: bytes) -> None:
    window = Window()
    window.take_message(Inbound(topic=topic, payload=payload), 1.0)
    assert window.states == {}
    assert window.story.facts == []


async def test_a_state_that_is_no_object_is_an_empty_one() -> None:
    window = Window()
    window.take_message(Inbound(topic=STATE, payload=b"7"), 1.0)
    assert window.states == {"lane/11": {}}


async def test_waiting_ends_with_the_news_or_in_words() -> None:
    window = Window()
    waiting = asyncio.ensure_future(window.until("a state", lambda: window.states or None, 5))
    await asyncio.sleep(0)
    window.take_message(Inbound(topic=STATE, payload=b"{}"), 1.0)
    assert await waiting == {"lane/11": {}}
    with pytest.raises(TimeoutError, match=r"waited 0\.01 s for goods"):
        await window.until("goods", lambda: None, 0.01)


async def test_each_line_is_heard_and_some_are_told() -> None:
    window = Window()
    heard: list[str] = []
    window.heard = lambda program, line: heard.append(program)
    window.take_line("board", {"event": "dropped", "t_ms": 5, "lane": 11})
    window.take_line("edge", {"event": "nothing.new"})
    assert heard == ["board", "edge"]
    assert [fact.what for fact in window.story.facts] == ["a piece fell from lane 11"]
