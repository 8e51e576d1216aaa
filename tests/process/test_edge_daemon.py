"""The machine's daemon as a process: signals, forgers, damage, and the board's own count as the truth."""

import os
import re
import resource
import shutil
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from edge.tech.dts_reader import read
from tests.process.programs import until
from tests.process.rig import LANE, MACHINE, PRICE_FEN, Rig
from wire.codec import encode
from wire.envelope import Signer, generate
from wire.messages import Alarm, Birth, SaleClosed, SaleRequested
from wire.topics import Branch, Topic


async def test_a_sale_from_the_key_to_the_product(tmp_path: Path) -> None:
    async with Rig(tmp_path, "--turn-ms", "100") as rig, rig.daemon() as daemon:
        await rig.sells(daemon)
        asked = await rig.offered()
        assert (asked.lane, asked.price_fen, asked.catalogue_version) == (LANE, PRICE_FEN, 1)
        await rig.bridge.say(rig.paid(asked))
        told = await rig.outcome(asked)
        assert (told.outcome, told.n) == ("delivered", asked.n + 1)
        books = await rig.books()
        assert (books["motor_starts"], books["pieces_dropped"], rig.motor_frames()) == (1, 1, 1)
        await until(lambda: rig.bridge.states["lane/12"]["stock"] == 4)
        assert rig.bridge.states["presence"]["online"] is True
        await until(lambda: rig.bridge.states["audit"]["day_count"] == 0)  # of yesterday
        assert read(rig.bridge.states["audit"]["dts"].encode()).report.segments[0].elements == (MACHINE,)
        assert await daemon.stop() == 0
        await until(lambda: rig.bridge.states["presence"]["online"] is False)


async def test_a_jam_is_told_as_goods_that_did_not_come_out(tmp_path: Path) -> None:
    async with Rig(tmp_path, "--turn-ms", "100", "--fault", "no_drop:1") as rig, rig.daemon() as daemon:
        await rig.sells(daemon)
        asked = await rig.offered()
        await rig.bridge.say(rig.paid(asked))
        told = await rig.outcome(asked)
        assert (told.outcome, told.why) == ("not_delivered", "moved.jam")
        assert (await rig.books())["pieces_dropped"] == 0
        trace = tmp_path / "traces" / f"{told.sale_id}.trace"
        await until(trace.exists)
        assert "# note: lane " in trace.read_text()


async def test_no_forged_or_misdirected_authorisation_moves_the_motor(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig, rig.daemon() as daemon:
        await rig.sells(daemon)
        asked = await rig.offered()
        paid, voice = rig.paid(asked), rig.bridge.signer
        thief = Signer(voice.key_id, generate())
        await rig.bridge.say(paid, signer=thief)
        await rig.bridge.say(paid, signer=Signer("nobody", generate()))
        payload, link = encode(paid), rig.bridge.link
        query = Topic(MACHINE, Branch.DOWN, "sale.query")
        there, elsewhere = (
            Topic(MACHINE, Branch.DOWN, "sale.paid"),
            Topic("vm-0002", Branch.DOWN, "sale.paid"),
        )
        await link.publish(there, payload)
        await link.publish(there, payload, envelope=voice.sign(elsewhere, payload))
        await link.publish(query, payload, envelope=voice.sign(there, payload))
        await link.publish(there, payload + b" ", envelope=voice.sign(there, payload))
        assert (await rig.asks(asked.sale_id)).state == "open"
        reasons = [line["reason"] for line in daemon.said(event="wire.refused")]
        assert reasons == ["bad_signature", "unknown_key", "unsigned", *["bad_signature"] * 3]
        assert rig.motor_frames() == 0
        alarm = await rig.bridge.hears(Alarm)
        assert (alarm.name, alarm.raised, alarm.lane) == ("link_forged", True, 0)
        assert rig.bridge.states["health"]["selling"] == 1


async def test_a_wrong_amount_lane_or_session_never_moves_the_motor(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig, rig.daemon() as daemon:
        await rig.sells(daemon)
        for fen, lane in ((PRICE_FEN - 1, LANE), (PRICE_FEN, LANE + 1)):
            asked = await rig.offered()
            await rig.bridge.say(replace(rig.paid(asked), paid_fen=fen, lane=lane))
            assert (await rig.asks(asked.sale_id)).why == "amount"
        asked = await rig.offered()
        await rig.bridge.say(replace(rig.paid(asked), boot=asked.boot + 1))
        await rig.bridge.say(replace(rig.paid(asked), jid="z" * 26))
        assert (await rig.asks(asked.sale_id)).state == "open"
        assert rig.motor_frames() == 0


async def test_an_authorisation_told_five_times_and_again_after_a_restart_moves_the_motor_once(
    tmp_path: Path,
) -> None:
    async with Rig(tmp_path, "--turn-ms", "100") as rig:
        async with rig.daemon() as daemon:
            await rig.sells(daemon)
            asked = await rig.offered()
            for _ in range(5):
                await rig.bridge.say(rig.paid(asked))
            await rig.outcome(asked)
        async with rig.daemon() as again:
            await rig.sells(again)
            await rig.bridge.say(rig.paid(asked))
            assert (await rig.asks(asked.sale_id)).state == "delivered"
        assert (await rig.books())["motor_starts"] == rig.motor_frames() == 1


async def test_an_authorisation_of_an_open_sale_dies_with_the_daemon(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        async with rig.daemon() as daemon:
            await rig.sells(daemon)
            asked = await rig.offered()
        async with rig.daemon() as again:
            await rig.sells(again)
            await rig.bridge.say(rig.paid(asked))
            told = await rig.asks(asked.sale_id)
            assert (told.state, told.why, told.boot) == ("closed", "restart", asked.boot + 1)
        assert rig.motor_frames() == 0


async def test_asked_to_stop_while_the_motor_turns_it_waits_for_the_outcome(tmp_path: Path) -> None:
    async with Rig(tmp_path, "--turn-ms", "700") as rig, rig.daemon() as daemon:
        await rig.sells(daemon)
        asked = await rig.offered()
        await rig.bridge.say(rig.paid(asked))
        await rig.board.says(event="motor", running=True)
        assert await daemon.stop() == 0
        assert rig.row(asked) == ("delivered", "")
        assert rig.board.said(event="motor", running=False)
        assert (await rig.books())["pieces_dropped"] == 1


async def test_asked_to_stop_with_a_code_on_the_screen_it_closes_the_sale(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig, rig.daemon() as daemon:
        await rig.sells(daemon)
        asked = await rig.offered()
        assert await daemon.stop() == 0
        assert rig.row(asked) == ("closed", "restart")


async def test_systemd_hears_that_it_is_ready_alive_and_leaving(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        heard: list[str] = []

        def hears(word: str, times: int = 1) -> bool:
            try:
                while True:
                    heard.append(manager.recv(4096).decode().strip())
            except BlockingIOError:
                return heard.count(word) >= times

        env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
        async with Rig(tmp_path) as rig, rig.daemon(env=env) as daemon:
            await until(lambda: hears("READY=1"), lambda: f"{heard}")
            await until(lambda: hears("WATCHDOG=1", 3), lambda: f"{heard}")
            await rig.sells(daemon)
            await until(lambda: hears("STATUS=selling"), lambda: f"{heard}")
            assert await daemon.stop() == 0
            assert hears("STATUS=leaving")
            assert heard.count("READY=1") == 1


async def test_a_second_daemon_does_not_start(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig, rig.daemon() as daemon:
        await daemon.says(event="daemon.ready")
        async with rig.daemon() as second:
            assert await second.ended() == 1
            assert any("another daemon holds it" in str(line.get("text")) for line in second.lines)
        assert daemon.running


async def test_a_damaged_journal_sells_nothing_and_raises_an_alarm(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        rig.journal.write_bytes(b"struck by lightning" * 1000)
        async with rig.daemon() as daemon:
            assert (await rig.bridge.hears(Alarm)).name == "journal_new"
            await daemon.says(event="journal.damaged")
            await daemon.says(event="daemon.status", status="not selling: journal_new")
            rig.board.tell({"do": "key", "lane": LANE})
            await daemon.says(event="sale.not_offered", why="journal_new")
            told = await rig.asks("a" * 26)
            assert told.state == "unknown"
            await daemon.stop()
        assert [path.read_bytes()[:6] for path in tmp_path.glob("edge.db.damaged-*")] == [b"struck"]
        await rig.run("edge", "confirm-journal", "--config", str(rig.config))
        async with rig.daemon() as again:
            await rig.sells(again)
            assert (await rig.offered()).jid == told.jid


async def test_a_full_disk_stops_the_daemon_before_anything_moves(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        async with rig.daemon() as daemon:
            await rig.sells(daemon)
            asked = await rig.offered()
            size = Path(f"{rig.journal}-wal").stat().st_size
            resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (size, size))
            await rig.bridge.say(rig.paid(asked))
            assert await daemon.ended() == 1
            assert daemon.said(event="daemon.failed")
        assert rig.row(asked) == ("open", "")
        await until(lambda: rig.bridge.states["presence"]["online"] is False)
        async with rig.daemon() as again:
            await rig.sells(again)
            assert (await rig.asks(asked.sale_id)).why == "restart"
        assert rig.motor_frames() == 0


async def test_the_broker_goes_and_comes_back_and_the_machine_is_born_again(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig, rig.daemon() as daemon:
        await rig.sells(daemon)
        births = len(rig.bridge.said(Birth))
        rig.broker.stop()
        await daemon.says(event="daemon.status", status="not selling: link_down")
        rig.board.tell({"do": "key", "lane": LANE})
        await daemon.says(event="sale.not_offered", why="link_down")
        rig.broker.start()
        before = len(daemon.lines)
        await rig.bridge.hears(Birth, after=births)
        await daemon.says(after=before, event="daemon.status", status="selling")
        assert rig.bridge.said(Birth)[-1].bits == rig.bridge.said(Birth)[0].bits


async def test_a_board_that_goes_silent_stops_selling_until_it_is_back(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig, rig.daemon() as daemon:
        await rig.sells(daemon)
        before = len(daemon.lines)
        rig.board.tell({"do": "power", "on": False})
        await daemon.says(after=before, event="daemon.status", status="not selling: bus_silent")
        before = len(daemon.lines)
        rig.board.tell({"do": "power", "on": True})
        await daemon.says(after=before, event="daemon.status", status="selling")
        await rig.offered()


async def test_no_secret_gets_into_the_log(tmp_path: Path) -> None:
    async with Rig(tmp_path, "--turn-ms", "100") as rig, rig.daemon() as daemon:
        await rig.sells(daemon)
        asked = await rig.offered()
        await rig.bridge.say(rig.paid(asked))
        await rig.outcome(asked)
        await daemon.stop()
        assert daemon.said(sale_id=asked.sale_id)
        assert not any("weixin" in str(line) or "Pr0cess" in str(line) for line in daemon.lines)


@pytest.fixture
def strace() -> str:
    found = shutil.which("strace")
    if found is None:
        reason = "strace is not installed; try: apt-get install strace"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


async def test_a_vended_sale_costs_three_flushes_and_an_abandoned_one_two(
    tmp_path: Path, strace: str
) -> None:
    trace = tmp_path / "trace"
    watched = (strace, "-D", "-f", "-y", "-qq", "-o", str(trace), "-e", "trace=fsync,fdatasync,msync")

    def flushes() -> list[str]:
        return re.findall(r"\w+\(\d+<[^>]*/(edge\.db[^>]*)>\)", trace.read_text())

    async with Rig(tmp_path, "--turn-ms", "100") as rig, rig.daemon(*watched) as daemon:
        await rig.sells(daemon)
        before = len(flushes())
        asked = await rig.offered()
        opened = len(flushes())
        await rig.bridge.say(rig.paid(asked))
        await rig.board.says(event="motor", running=True)
        moving = len(flushes())
        await rig.outcome(asked)
        ended = len(flushes())
        assert (opened - before, moving - opened, ended - moving) == (1, 1, 1)
        asked = await rig.offered()
        rig.board.tell({"do": "cancel"})
        await until(lambda: any(each.sale_id == asked.sale_id for each in rig.bridge.said(SaleClosed)))
        assert len(flushes()) - ended == 2
        assert set(flushes()[before:]) == {"edge.db-wal"}


async def test_a_journal_that_cannot_be_opened_is_said_on_the_screen_and_to_the_host(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        rig.journal.unlink()
        rig.journal.mkdir()  # whatever is in the way, it is not a journal and not ours to move
        rig.config.write_text(rig.config.read_text() + '[display]\npng = "screen.png"\n')
        async with rig.daemon() as daemon:
            assert await daemon.ended() == 1
            assert any("edge.db" in str(line.get("text")) for line in daemon.lines)
        assert (tmp_path / "screen.png").read_bytes().startswith(b"\x89PNG")
        assert rig.journal.is_dir()


async def test_asked_to_stop_while_it_waits_for_the_board_it_does_not_wait_for_ever(tmp_path: Path) -> None:
    async with Rig(tmp_path, "--poll-ms", "1000") as rig, rig.daemon() as daemon:
        await rig.sells(daemon)
        rig.board.tell({"do": "key", "lane": LANE})
        asked = await rig.bridge.hears(SaleRequested)
        rig.board.tell({"do": "fault", "name": "silent"})  # the check of the lane gets no answer
        assert await daemon.stop() == 0
        assert rig.row(asked) == ("closed", "restart")
