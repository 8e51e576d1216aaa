"""`wxvend tech` beside a running daemon: the port is lent, nothing is sold, and it always comes back."""

import json
import os
import signal
from pathlib import Path

from tests.process.programs import WXVEND, Program, until
from tests.process.rig import LANE, Rig
from wire.messages import Alarm, SaleRequested

WAITING = "somebody is buying: waiting until that sale has ended. Ctrl-C to leave it"


def tech(rig: Rig, *arguments: str) -> Program:
    return Program(WXVEND, "tech", *arguments, "--config", str(rig.config))


async def test_a_technician_waits_for_an_open_sale_and_the_port_comes_back_when_he_is_killed(
    tmp_path: Path,
) -> None:
    async with Rig(tmp_path, "--turn-ms", "100") as rig, rig.daemon() as daemon:
        await rig.sells(daemon)
        asked = await rig.offered()
        async with tech(rig, "monitor", "--drive", "--json") as monitor:
            await until(lambda: bool(monitor.said(text=WAITING)), lambda: str(monitor.lines))
            assert rig.bridge.said(Alarm) == []
            await rig.bridge.say(rig.paid(asked))
            assert (await rig.outcome(asked)).outcome == "delivered"
            await until(lambda: bool(monitor.said(valid=True)), lambda: str(monitor.lines))  # it talks now
            alarm = await rig.bridge.hears(Alarm)
            assert (alarm.name, alarm.raised) == ("maintenance", True)
            assert " has the port for tech monitor, asked 20" in alarm.text
            assert rig.bridge.states["health"]["reason"] == "maintenance"
            rig.board.tell({"do": "key", "lane": LANE})
            async with tech(rig, "identify") as second:
                assert await second.ended() == 1
                assert "has the port" in second.lines[-1]["text"]
            monitor.signal(signal.SIGKILL)
            await daemon.says(after=len(daemon.lines), event="daemon.status", status="selling")
        over = await rig.bridge.hears(Alarm, after=1)
        assert (over.name, over.raised) == ("maintenance", False)
        assert len(rig.bridge.said(SaleRequested)) == 1  # the key in the service opened nothing
        assert (await rig.outcome(await _sold(rig))).outcome == "delivered"
        assert (await rig.books())["motor_starts"] == 2
        results = [
            json.loads(line)["result"] for line in (tmp_path / "service.jsonl").read_text().splitlines()
        ]
        assert results == ["port lent for tech monitor", "port back: gone"]
        assert os.stat(tmp_path / "edge.db.service").st_mode & 0o777 == 0o600


async def test_a_test_vend_beside_the_daemon_turns_once_and_a_daemon_that_dies_ends_the_loan(
    tmp_path: Path,
) -> None:
    async with Rig(tmp_path, "--turn-ms", "100") as rig:
        async with rig.daemon() as daemon:
            await rig.sells(daemon)
            async with tech(rig, "test-vend", str(LANE), "--yes", "--json") as once:
                assert await once.ended() == 0
                assert once.said(outcome="Delivered")
            await daemon.says(event="service.changed", result="port back: gone")
            async with tech(rig, "monitor", "--drive", "--json") as monitor:
                await until(lambda: bool(monitor.said(valid=True)), lambda: str(monitor.lines))
                daemon.signal(signal.SIGKILL)
                assert await monitor.ended() == 1
                assert "the daemon has ended" in monitor.lines[-1]["text"]
        async with rig.daemon() as again:  # a power cut while it was lent: an ordinary start
            await rig.sells(again)
            assert (await rig.outcome(await _sold(rig))).outcome == "delivered"
        assert (await rig.books())["motor_starts"] == 2


async def _sold(rig: Rig) -> SaleRequested:
    asked = await rig.offered()
    await rig.bridge.say(rig.paid(asked))
    return asked
