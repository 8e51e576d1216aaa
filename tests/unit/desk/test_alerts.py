"""Telling alarms on: once for a fault, once for its end, and nothing twice after a restart."""

import asyncio
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from cloud_bridge.config_alerts import ROBOTS as KINDS
from cloud_bridge.config_alerts import AlertsTable, SinkTable, described
from cloud_bridge.config_desk import ComplaintsTable
from cloud_bridge.core.alarm import Wants
from cloud_bridge.core.alert import News, news
from cloud_bridge.engine_alerts import Alerts
from cloud_bridge.fleet.alarms import AlarmStates, payload, topic
from cloud_bridge.ports import StandingAlarm, Tx
from cloud_bridge.store.books import SqlStore
from cloud_bridge.web.alert_text import MOST, cut, message
from cloud_bridge.web.robots import Robot, RobotSettings, letter, verdict
from cloud_bridge.web.saying import alarm_name, following, said
from cloud_bridge.wechat.plain import Host, PlainHost, parted
from hw_sim.robots import Robots, serve
from tests.unit.desk.shop import Lines
from wire.topics import Topic

JAM = StandingAlarm(
    machine="vm-0001",
    name="lane_jam",
    lane=12,
    code="E21",
    text="lane 12: jam",
    since_wall_ms=1_800_000_000_000,
)
SECRET = "SEC-of-the-robot"


@dataclass
class Hands:
    now: int = 0

    def now_ms(self) -> int:
        return self.now

    def wall_ms(self) -> int:
        return 1_800_000_000_000 + self.now


@dataclass
class Ear:
    """Somebody who is told. `deaf` refuses what he is told; `forgets` once."""

    name: str = "ops"
    most: int = 10
    alarming: bool = True
    wants: Wants | None = field(default_factory=Wants)
    deaf: str = ""
    forgets: bool = False
    heard: list[tuple[tuple[News, ...], int]] = field(default_factory=list)

    def anew(self) -> bool:
        forgot, self.forgets = self.forgets, False
        return forgot

    async def send(self, found: tuple[News, ...], left_out: int) -> str:
        if not self.deaf:
            self.heard.append((tuple(found), left_out))
        return self.deaf

    def names(self) -> list[tuple[str, bool]]:
        return [(each.name, each.over) for found, _ in self.heard for each in found]


@dataclass
class Office:
    """Alarms that stand, and somebody who is told of them."""

    store: SqlStore
    ear: Ear = field(default_factory=Ear)
    clock: Hands = field(default_factory=Hands)
    log: Lines = field(default_factory=Lines)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.alerts = Alerts(store=self.store, sinks=(self.ear,), clock=self.clock, log=self.log)

    async def raised(self, *alarms: StandingAlarm) -> None:
        def write(tx: Tx) -> None:
            for alarm in alarms:
                tx.set_alarm(alarm)

        await self.store.run(write)
        await self.alerts.tell()

    async def cleared(self, alarm: StandingAlarm = JAM) -> None:
        await self.store.run(
            lambda tx: tx.clear_alarm(machine=alarm.machine, name=alarm.name, lane=alarm.lane)
        )
        await self.alerts.tell()


@pytest.fixture
def office(store: SqlStore) -> Office:
    return Office(store)


async def test_a_fault_is_told_once_and_its_end_once(office: Office) -> None:
    await office.raised(JAM)
    await office.raised(replace(JAM, text="lane 12: jam, again"))  # renewed words are no news
    assert office.ear.names() == [("lane_jam", False)]
    await office.cleared()
    await office.cleared()
    assert office.ear.names() == [("lane_jam", False), ("lane_jam", True)]


async def test_a_restart_tells_nothing_twice_and_forgets_no_end(office: Office) -> None:
    await office.raised(JAM)
    office.restart()
    await office.alerts.tell()
    assert office.ear.names() == [("lane_jam", False)]
    office.restart()
    await office.cleared()
    assert office.ear.names()[1:] == [("lane_jam", True)]


async def test_a_fault_that_came_back_while_nobody_looked_is_news(office: Office) -> None:
    await office.raised(JAM)
    await office.store.run(lambda tx: tx.clear_alarm(machine="vm-0001", name="lane_jam", lane=12))
    await office.raised(replace(JAM, since_wall_ms=JAM.since_wall_ms + 60_000))
    assert office.ear.names() == [("lane_jam", False), ("lane_jam", False)]


async def test_many_at_once_are_one_message_that_counts_the_rest(office: Office) -> None:
    await office.raised(*(replace(JAM, lane=lane) for lane in range(1, 41)))
    ((found, left_out),) = office.ear.heard
    assert (len(found), left_out) == (10, 30)
    await office.alerts.tell()
    assert len(office.ear.heard) == 1


async def test_who_does_not_hear_is_tried_ever_more_rarely_and_is_an_alarm(office: Office) -> None:
    office.ear.deaf = "timeout"
    tries = 0
    for _ in range(400):
        office.clock.now += 10_000
        before = len(office.log.lines)
        await (office.raised(JAM) if not tries else office.alerts.tell())
        tries += len(office.log.lines) > before
    assert 8 <= tries <= 20
    assert "alert_sink_ops" in {alarm.name for alarm in await office.store.alarms()}
    office.ear.deaf = ""
    office.clock.now += 600_000
    await office.alerts.tell()
    assert office.ear.names() == [("lane_jam", False)]
    assert "alert_sink_ops" not in {alarm.name for alarm in await office.store.alarms()}


async def test_who_forgot_everything_is_told_all_that_stands(office: Office) -> None:
    await office.raised(JAM)
    office.ear.forgets = True
    await office.alerts.tell()
    assert office.ear.names() == [("lane_jam", False), ("lane_jam", False)]


def test_ends_come_before_beginnings_and_the_oldest_first() -> None:
    old, new = (News(machine="m", name=name, lane=0, since_wall_ms=at) for name, at in (("a", 1), ("b", 2)))
    told = news((new, old), {("m", "gone", 0): 5})
    assert [(each.name, each.over) for each in told] == [("gone", True), ("a", False), ("b", False)]


# ---------------------------------------------------------------- at the broker


async def test_an_alarm_stands_at_the_broker_by_its_name_until_it_is_over() -> None:
    shown: list[tuple[Topic, bytes]] = []
    ups = 1

    async def show(where: Topic, what: bytes) -> bool:
        shown.append((where, what))
        return True

    states = AlarmStates(show, lambda: ups)
    begun = News(machine="vm-0001", name="lane_jam", lane=12, since_wall_ms=7, text="jam")
    assert await states.send((begun, replace(begun, machine="", lane=0, over=True, text="")), 0) == ""
    (first, said_first), (second, said_second) = shown
    assert str(first) == "wxvend/v1/bridge/state/alarm/vm-0001/lane_jam/12"
    assert json.loads(said_first) == {
        "raised": 1, "machine": "vm-0001", "name": "lane_jam", "lane": 12, "text": "jam", "since_wall_ms": 7,
    }  # fmt: skip
    assert str(second) == "wxvend/v1/bridge/state/alarm/bridge/lane_jam/0"
    assert json.loads(said_second)["raised"] == 0


async def test_a_broker_that_came_back_is_shown_everything_again() -> None:
    ups = 1

    async def show(where: Topic, what: bytes) -> bool:
        return False

    states = AlarmStates(show, lambda: ups)
    assert (states.anew(), states.anew()) == (True, False)
    ups = 2
    assert states.anew()
    assert await states.send((News(machine="m", name="n", lane=0, since_wall_ms=1),), 0) == "no link"
    assert states.anew()  # who knows how many were shown


@pytest.mark.parametrize("name", ["a/b", "a+b", "a#b", "a\0b"])
def test_no_name_breaks_out_of_its_topic(name: str) -> None:
    each = News(machine="vm-0001", name=name, lane=0, since_wall_ms=1)
    assert topic(each).kind == "alarm/vm-0001/a_b/0"
    assert payload(each)


# ---------------------------------------------------------------- robots


def test_dingtalk_is_signed_in_the_query_as_it_publishes() -> None:
    about = RobotSettings(
        name="d", kind="dingtalk", target="/robot/send?access_token=t", secret="this is secret"
    )
    target, body = letter(about, "词", 1_577_262_236_757)
    # printf '1577262236757\\nthis is secret' | openssl dgst -sha256 -hmac 'this is secret' -binary | base64
    sign = "hmPWwU%2B7lVdm3ZZz0r9tSfx0L4Q26jWOZr9%2BGs6EZQM%3D"
    assert target == f"/robot/send?access_token=t&timestamp=1577262236757&sign={sign}"
    assert body == {"msgtype": "text", "text": {"content": "词"}}


def test_wecom_is_not_signed_and_feishu_is_in_the_body() -> None:
    wecom = RobotSettings(name="w", kind="wecom", target="/cgi-bin/webhook/send?key=k")
    assert letter(wecom, "t", 1) == (
        "/cgi-bin/webhook/send?key=k",
        {"msgtype": "text", "text": {"content": "t"}},
    )
    feishu = RobotSettings(name="f", kind="feishu", target="/hook/x", secret=SECRET)
    target, body = letter(feishu, "t", 1_800_000_000_500)
    assert (target, body["timestamp"], body["msg_type"]) == ("/hook/x", "1800000000", "text")
    # printf '' | openssl dgst -sha256 -hmac "$(printf '1800000000\\nSEC-of-the-robot')" -binary | base64
    assert body["sign"] == "qL5dENW8TTdmALRWyRlY/T4Mpf4W6NWhVSvwdpUZHik="


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"errcode": 0, "errmsg": "ok"}, ""),
        ({"code": 0, "msg": "success"}, ""),
        ({"StatusCode": 0}, ""),
        ({"errcode": 310000, "errmsg": "sign not match"}, "errcode 310000"),
        ({"code": 19021}, "code 19021"),
        ({"hello": 1}, "another answer than a robot's"),
    ],
)
def test_a_robots_answer_is_read_by_its_number(answer: dict[str, object], why: str) -> None:
    assert verdict(answer) == why


@pytest.mark.parametrize("kind", KINDS)
async def test_each_robot_takes_what_is_signed_and_nothing_else(kind: str) -> None:
    clock = Hands()
    robots = Robots(secrets={"dingtalk": SECRET, "feishu": SECRET}, now_s=lambda: clock.wall_ms() / 1000)
    target = {"wecom": "/wecom?key=k", "dingtalk": "/dingtalk?access_token=t", "feishu": "/feishu"}[kind]
    server = await serve(robots, 0)
    host = PlainHost(Host(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"), clock)
    about = RobotSettings(name="x", kind=kind, target=target, secret=SECRET, languages=("zh", "en"))
    begun = News(
        machine="vm-0001", name="lane_jam", lane=12, since_wall_ms=clock.wall_ms(), text="lane 12: jam"
    )
    assert await Robot(about, host, clock).send((begun,), 3) == ""
    assert robots.texts[0][0] == kind
    assert "卡货 · vm-0001 货道 12" in robots.texts[0][1]
    assert "a product is stuck · vm-0001 lane 12" in robots.texts[0][1]
    assert "另有 3 条" in robots.texts[0][1]
    wrong = await Robot(replace(about, secret="wrong"), host, clock).send((begun,), 0)
    assert (wrong == "") is (kind == "wecom")
    robots.busy = 1
    assert await Robot(about, host, clock).test() != ""
    robots.down = True
    assert await Robot(about, host, clock).test() == "connection"
    server.close()
    host.close()


async def test_no_address_and_no_secret_of_a_robot_is_shown() -> None:
    about = RobotSettings(name="x", kind="wecom", target="/send?key=k-e-y", secret=SECRET)
    assert "k-e-y" not in repr(about)
    assert SECRET not in repr(about)


@pytest.mark.parametrize("url", ["http://chat.example/x", "ftp://chat.example/", "chat.example", "https://"])
def test_a_robots_address_is_https_or_on_this_computer(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        parted(url)
    assert parted("http://127.0.0.1:9/x?y=1") == ("http://127.0.0.1:9", "/x?y=1")


def test_a_message_stays_within_what_a_robot_takes() -> None:
    many = [News(machine="m" * 32, name="n" * 40, lane=1, since_wall_ms=1, text="很长" * 300)] * MOST
    assert len(cut(message(many, 5, ("zh", "en")), 2000).encode()) <= 2048


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("line", "chinese", "english"),
    [
        ("lane 12: jam", "货道 12：卡货", "lane 12: a product is stuck"),
        ("it did not come out, Rabc is back", "未出货，Rabc 已退回", "it did not come out, Rabc is back"),
        (
            "alarm: lane_jam lane 12: jam",
            "告警：卡货，货道 12：卡货",
            "alarm: a product is stuck lane 12: a product is stuck",
        ),
        ("nobody knows this line", "nobody knows this line", "nobody knows this line"),
    ],
)
def test_a_line_is_said_in_the_readers_words_by_its_shape(line: str, chinese: str, english: str) -> None:
    assert said(line, "zh") == chinese
    assert said(line, "en") == english


def test_alarms_that_end_in_a_cause_share_their_words() -> None:
    assert alarm_name("platform_sign_error", "en") == alarm_name("platform", "en")
    assert following("alert_sink_ops", "zh")
    assert alarm_name("clock_off_north", "zh") == alarm_name("clock_off", "zh") != "clock off"
    assert alarm_name("something_new", "zh") == "something new"


async def test_telling_goes_on_until_it_is_cancelled(office: Office) -> None:
    await office.store.run(lambda tx: tx.set_alarm(JAM))
    task = asyncio.create_task(office.alerts.run())
    while not office.ear.heard:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# ---------------------------------------------------------------- settings


def _file(folder: Path, name: str, words: str) -> Path:
    file = folder / name
    file.touch(mode=0o600)
    file.write_text(words)
    return file


def test_a_robots_address_and_secret_are_read_from_their_files(tmp_path: Path) -> None:
    url = _file(tmp_path, "url", "https://oapi.dingtalk.com/robot/send?access_token=t\n")
    sink = SinkTable(
        name="ops", kind="dingtalk", url_file=url, secret_file=_file(tmp_path, "s", f"{SECRET}\n")
    )
    assert sink.address == ("https://oapi.dingtalk.com", "/robot/send?access_token=t")
    assert sink.secret == SECRET
    lines, mistakes = described(AlertsTable(sinks=(sink,)), ComplaintsTable())
    assert lines[1] == "alerts.sinks: ops: dingtalk at https://oapi.dingtalk.com, signed"
    assert mistakes == []
    assert "access_token" not in repr([lines, sink])


def test_an_address_that_cannot_be_one_is_a_mistake_that_shows_no_key(tmp_path: Path) -> None:
    url = _file(tmp_path, "url", "qyapi.weixin.qq.com/send?key=k-e-y")
    lines, mistakes = described(
        AlertsTable(sinks=(SinkTable(name="w", kind="wecom", url_file=url),)), ComplaintsTable()
    )
    assert "https" in mistakes[0]
    assert "k-e-y" not in repr([lines, mistakes])


@pytest.mark.parametrize(
    ("names", "why"),
    [(["a", "a"], "twice"), (["mqtt"], "mqtt"), ([f"n{at}" for at in range(17)], "17 sinks")],
)
def test_sinks_have_names_of_their_own_and_a_bound(tmp_path: Path, names: list[str], why: str) -> None:
    url = _file(tmp_path, "url", "https://x.example/")
    with pytest.raises(ValueError, match=why):
        AlertsTable(sinks=tuple(SinkTable(name=name, kind="wecom", url_file=url) for name in names))
