"""Commands on the machine's wire: the bridge's own, whole, unretained, to this machine; and answers."""

from dataclasses import replace
from pathlib import Path

import pytest

from edge.core.command import CommandAnswer, CommandAsked, ReportCommand
from edge.ports import Heading
from tests.unit.edge.test_payment import BRIDGE_VOICE, MACHINE, Side
from tests.unit.edge.test_payment import side as side
from wire.codec import decode, encode
from wire.command import Command, CommandResult, Fill
from wire.envelope import Signer, generate
from wire.inbound import Inbound
from wire.parts import BadMessage
from wire.topics import Branch, Topic

SAID = Command(
    command_id="c" * 26,
    jid="j" * 26,
    boot=1,
    what="refill",
    by="ann",
    why="Monday",
    fills=(Fill(lane=12, count=5),),
    ticket="0" * 32,
)
ASKED = CommandAsked(
    command_id="c" * 26,
    session_jid="j" * 26,
    session_boot=1,
    what="refill",
    by="ann",
    why="Monday",
    fills=((12, 5),),
    ticket="0" * 32,
)
HERE = Topic(MACHINE, Branch.DOWN, "command")


async def test_a_command_of_the_bridge_reaches_the_engine_and_is_acknowledged_when_it_is_durable(
    side: Side,
) -> None:
    mid = side.hear(SAID)
    await side.until(lambda: side.events)
    assert side.events == [ASKED]
    assert mid not in side.wire.acked
    (done,) = side.dones
    assert done is not None
    done()
    assert mid in side.wire.acked


@pytest.mark.parametrize(
    "case",
    ["forged", "unsigned", "altered", "retained", "elsewhere", "other machine", "as another kind", "report"],
)
async def test_nothing_that_is_not_the_bridges_own_word_to_this_machine_is_a_command(
    side: Side, case: str
) -> None:
    payload, voice = encode(SAID), BRIDGE_VOICE
    signed_for = {
        "elsewhere": Topic(MACHINE, Branch.DOWN, "sale.query"),
        "other machine": Topic("vm-0002", Branch.DOWN, "command"),
    }.get(case, HERE)
    if case == "forged":
        voice = Signer(BRIDGE_VOICE.key_id, generate())
    properties = voice.sign(signed_for, payload).user_properties
    topic = {
        "as another kind": Topic(MACHINE, Branch.DOWN, "sale.paid"),
        "report": Topic(MACHINE, Branch.UP, "command.result"),
    }.get(case, HERE)
    side.wire.incoming.put_nowait(
        Inbound(
            topic=str(topic),
            payload=payload.replace(b'"count":5', b'"count":9') if case == "altered" else payload,
            retained=case == "retained",
            user_properties=() if case == "unsigned" else properties,
            mid=77,
        )
    )
    await side.until(lambda: 77 in side.wire.acked)
    assert side.events == []
    assert sum(side.link.refused.values()) == 1


async def test_a_ticket_and_a_refusal_are_answers_and_what_was_done_is_a_numbered_report(side: Side) -> None:
    side.connect()
    side.link.reply(CommandAnswer(asked=ASKED, ticket="f" * 32))
    side.link.reply(CommandAnswer(asked=ASKED, why="busy"))
    first, second = side.wire.messages(CommandResult)
    assert isinstance(first, CommandResult)
    assert isinstance(second, CommandResult)
    assert (first.n, first.state, first.ticket) == (0, "ticket", "f" * 32)
    assert (second.n, second.state, second.why) == (0, "refused", "busy")
    heading = Heading(session=side.journal.session, n=9, row_hash="")
    report = ReportCommand(asked=ASKED, before="1 of 1 lanes do not sell", after="0 of 1 lanes do not sell")
    row = side.link.compose(heading, None, report)
    done = decode(Topic(MACHINE, Branch.UP, row.kind), row.payload)
    assert isinstance(done, CommandResult)
    assert (done.n, done.state, done.fills, done.by, done.reason) == (9, "done", SAID.fills, "ann", "Monday")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"command_id": "C" * 26}, "command_id"),
        ({"boot": 0}, "boot"),
        ({"what": "Stop it"}, "what"),
        ({"by": "x" * 65}, "by"),
        ({"why": "x" * 201}, "why"),
        ({"lane": -1}, "lane"),
        ({"ticket": "0" * 31}, "ticket"),
        ({"fills": (Fill(lane=1, count=1), Fill(lane=1, count=2))}, "fills"),
        ({"fills": tuple(Fill(lane=each, count=1) for each in range(1, 62))}, "fills"),
    ],
)
def test_a_command_outside_its_ranges_is_no_message(changes: dict[str, object], field: str) -> None:
    with pytest.raises(BadMessage, match=f"^{field}: found"):
        replace(SAID, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"n": 0}, "n"),
        ({"state": "refused"}, "n"),
        ({"state": "soon", "n": 0}, "state"),
        ({"ticket": "0" * 32}, "ticket"),
        ({"said": "x" * 201}, "said"),
    ],
)
def test_a_result_says_one_thing_only(changes: dict[str, object], field: str) -> None:
    done = CommandResult(
        jid="j" * 26, boot=1, bits="0" * 16, n=3, command_id="c" * 26, what="stop", state="done"
    )
    with pytest.raises(BadMessage, match=f"^{field}: found"):
        replace(done, **changes)  # type: ignore[arg-type]


def test_the_longest_command_fits_the_machines_limit(tmp_path: Path) -> None:
    fills = tuple(Fill(lane=9_000 + each, count=9_999) for each in range(60))
    longest = replace(SAID, by="名" * 64, why="补" * 200, fills=fills, boot=2**31, lane=9_999)
    assert len(encode(longest)) < 4096
