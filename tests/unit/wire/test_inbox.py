"""What waits between the network's thread and the loop is bounded, and comes out in order."""

import asyncio

from wire.inbound import Inbound
from wire.inbox import Inbox


def message(number: int) -> Inbound:
    return Inbound(topic="t", payload=b"", mid=number)


async def test_messages_come_out_in_the_order_in_which_they_came() -> None:
    inbox = Inbox(3)
    for number in range(3):
        assert inbox.reserve()
        inbox.put(message(number))
    assert [(await inbox.take()).mid for _ in range(3)] == [0, 1, 2]


async def test_beyond_the_bound_a_message_is_counted_and_left_to_the_broker() -> None:
    inbox = Inbox(2)
    assert [inbox.reserve() for _ in range(4)] == [True, True, False, False]
    assert inbox.overflowed == 2
    inbox.put(message(1))
    await inbox.take()
    assert inbox.reserve()


async def test_a_reader_that_waits_is_woken() -> None:
    inbox = Inbox(1)
    reader = asyncio.ensure_future(inbox.take())
    await asyncio.sleep(0)
    assert not reader.done()
    assert inbox.reserve()
    inbox.put(message(7))
    async with asyncio.timeout(5):
        assert (await reader).mid == 7


async def test_a_reader_that_gave_up_takes_nothing_with_it() -> None:
    inbox = Inbox(1)
    reader = asyncio.ensure_future(inbox.take())
    await asyncio.sleep(0)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    assert inbox.reserve()
    inbox.put(message(7))
    assert (await inbox.take()).mid == 7
