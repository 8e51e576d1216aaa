"""`wxvend demo` as a newcomer runs it: every scenario on real programs, exit codes, nothing left behind."""

import contextlib
import fcntl
import functools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hw_sim.demo.cli import demo as command
from hw_sim.demo.scenarios import LONGEST_S, SCENARIOS

WXVEND = str(Path(sys.executable).with_name("wxvend"))
AT_ONCE = 3
PATIENCE_S = 20.0
MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")

Done = subprocess.CompletedProcess[str]


def demo(*arguments: str) -> Done:
    """Run it to its end; it may take as long as is promised, and its start."""
    return subprocess.run(
        [WXVEND, "demo", *arguments], capture_output=True, text=True, timeout=4 * LONGEST_S, check=False
    )


@pytest.fixture(scope="module")
def once(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], tuple[Done, float]]]:
    """Gives what a scenario ended with. They run side by side: most of their time is waiting."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # each worker needs some of them; all workers share them
    params = [getattr(item, "callspec", None) for item in request.session.items]
    wanted = {each.params["fault"]: None for each in params if each is not None and "fault" in each.params}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running: dict[str, Future[tuple[Done, float]]] = {
            fault: pool.submit(_shared, folder, fault) for fault in wanted
        }
        yield lambda fault: running[fault].result()


def _shared(folder: Path, fault: str) -> tuple[Done, float]:
    """Run the scenario, or wait for who runs it already."""
    with open(folder / f"once-{fault}", "a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        ended = file.read()
        if not ended:
            began_s = time.monotonic()
            done = demo("--once", "--json", *(["--fault", fault] if fault else []))
            took_s = time.monotonic() - began_s
            ended = json.dumps([done.args, done.returncode, done.stdout, done.stderr, took_s]).encode()
            file.write(ended)
    arguments, code, stdout, stderr, took_s = json.loads(ended)
    return Done(arguments, code, stdout, stderr), took_s


def test_a_sale_by_order_request_ends_like_every_other() -> None:
    found = told(demo("--once", "--json", "--mode", "1"))
    assert (found["ok"], found["result"], found["motor_starts"]) == (True, "vended", 1)
    said = [fact["what"] for fact in found["timeline"]]
    kinds = ("bridge says lease.request", "machine says lease.granted", "bridge says sale.offered")
    places = [said.index(kind) for kind in kinds]
    assert places == sorted(places)
    assert "machine says sale.requested" not in said


def test_a_fault_that_presses_keys_is_none_for_order_requests() -> None:
    done = demo("--once", "--mode", "1", "--fault", "reselect")
    assert done.returncode == 2
    assert "--mode 2" in done.stderr


def told(done: Done) -> dict[str, Any]:
    """The one JSON object on its output."""
    assert done.stdout.count("\n") == 1, done.stdout[:500] + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def words(found: dict[str, Any], who: str) -> list[str]:
    return [fact["what"] for fact in found["timeline"] if fact["who"] == who]


@pytest.mark.parametrize("fault", SCENARIOS)
def test_a_scripted_sale_ends_as_its_scenario_says(
    fault: str, once: Callable[[str], tuple[Done, float]]
) -> None:
    done, took_s = once(fault)
    found = told(done)
    assert done.returncode == 0, found["disagreements"]
    assert done.stderr == ""
    assert took_s < SCENARIOS[fault].longest_s
    assert found["result"] in SCENARIOS[fault].ends
    assert found["disagreements"] == []
    vended = found["result"] == "vended"
    pieces = SCENARIOS[fault].pieces
    assert found["pieces_dropped"] == (vended if pieces is None else pieces)
    assert len(motor_frames(found)) == found["motor_starts"]
    assert found["paid_fen"] - found["refunded_fen"] == (350 if vended else 0)
    assert re.fullmatch("[a-z2-7]{26}", found["sale_id"])
    assert found["out_trade_no"] == found["sale_id"]
    assert found["timings_ms"]["selection_to_code"] > 0
    timed = bool(notices(found) and motor_frames(found))
    assert (found["timings_ms"]["notification_to_motor_frame"] is not None) == timed
    times = [fact["t_ms"] for fact in found["timeline"]]
    assert times == sorted(times)
    assert {"shopper", "bus", "edge", "mqtt", "bridge", "wechat"} <= {f["who"] for f in found["timeline"]}
    assert "weixin:" not in done.stdout


def motor_frames(found: dict[str, Any]) -> list[str]:
    return [what for what in words(found, "bus") if what.startswith("→ run the motor")]


def notices(found: dict[str, Any]) -> list[str]:
    return [
        what for what in words(found, "wechat") if what.startswith("notification TRANSACTION.SUCCESS sent")
    ]


@pytest.mark.parametrize(
    ("fault", "notified", "motors"),
    [
        ("", 1, 1),
        ("double-notice", 2, 1),
        ("lost-notice", 0, 1),
        ("late-payment", 1, 0),
        ("abandoned", 0, 0),
        ("power-cut", 1, 1),
        ("power-cut-after-drop", 1, 1),
        ("bridge-crash", 1, 1),
        ("offline-after-payment", 1, 0),
        ("journal-lost", 1, 0),
        ("blind-sensor", 2, 2),
        ("replay-attack", 1, 1),
    ],
)
def test_the_motor_runs_once_for_each_payment_in_time_however_often_it_is_told(
    fault: str, notified: int, motors: int, once: Callable[[str], tuple[Done, float]]
) -> None:
    found = told(once(fault)[0])
    assert len(notices(found)) == notified
    assert len(motor_frames(found)) == motors


@pytest.mark.parametrize("fault", ["abandoned"])
def test_an_abandoned_order_is_shut_at_the_platform(
    fault: str, once: Callable[[str], tuple[Done, float]]
) -> None:
    (sale,) = told(once(fault)[0])["sales"]
    assert (sale["machine"], sale["bridge"], sale["platform"]) == ("closed", "closed", "CLOSED")


@pytest.mark.parametrize("fault", ["reselect"])
def test_both_sales_of_a_second_choice_are_ended(
    fault: str, once: Callable[[str], tuple[Done, float]]
) -> None:
    found = told(once(fault)[0])
    paid, other = found["sales"]
    assert paid["sale_id"] == found["sale_id"]
    assert (other["machine"], other["bridge"], other["platform"]) == ("closed", "closed", "CLOSED")
    assert (other["paid_fen"], other["refunded_fen"]) == (0, 0)


@pytest.mark.parametrize("fault", ["power-cut", "power-cut-after-drop"])
def test_a_motor_run_that_nobody_saw_to_its_end_is_never_repeated_and_refunded_only_in_doubt(
    fault: str, once: Callable[[str], tuple[Done, float]]
) -> None:
    found = told(once(fault)[0])
    (sale,) = found["sales"]
    assert "daemon ready" in words(found, "edge")
    assert found["motor_starts"] == 1
    refunded = found["result"] == "refunded"
    assert sale["machine"] == ("uncertain" if refunded else "delivered")
    assert found["doubt"] == ("no_memory" if refunded else None)
    assert found["agreed"]


@pytest.mark.parametrize("fault", ["journal-lost"])
def test_a_lost_journal_proves_nothing_and_sells_nothing(
    fault: str, once: Callable[[str], tuple[Done, float]]
) -> None:
    found = told(once(fault)[0])
    assert found["doubt"] == "journal_replaced"
    assert [sale["machine"] for sale in found["sales"]] == [None]
    assert words(found, "edge")[-1] == "lane 12 is not for sale now (journal_new)"
    assert (found["ok"], found["agreed"], len(found["allowed_differences"])) == (True, False, 1)


@pytest.mark.parametrize("fault", ["offline-after-payment"])
def test_a_machine_without_network_ends_the_sale_by_itself_and_says_so_later(
    fault: str, once: Callable[[str], tuple[Done, float]]
) -> None:
    found = told(once(fault)[0])
    story = [fact["what"] for fact in found["timeline"]]
    in_order = [
        "the machine's network is gone",
        "bridge says sale.paid",
        "sale closed (lease): it can never vend any more",
        "the machine's network is back",
        "¥3.50 goes back: closed.lease",
    ]
    assert sorted(in_order, key=story.index) == in_order


@pytest.mark.parametrize("fault", ["broker-restart"])
def test_a_broker_that_forgot_everything_costs_time_and_nothing_else(
    fault: str, once: Callable[[str], tuple[Done, float]]
) -> None:
    found = told(once(fault)[0])
    assert "the broker is killed and starts again" in words(found, "broker")
    assert "link to the broker is up" in words(found, "edge")
    assert found["motor_starts"] == found["pieces_dropped"]


@pytest.mark.parametrize("fault", ["bridge-crash"])
def test_the_outcome_reaches_a_bridge_that_was_dead_when_it_became_known(
    fault: str, once: Callable[[str], tuple[Done, float]]
) -> None:
    story = [fact["what"] for fact in told(once(fault)[0])["timeline"]]
    crash = story.index("the bridge is killed and starts again")
    assert story.index("bridge says sale.paid") < crash < story.index("delivered: written to the journal")
    assert "bridge says ack" in story[story.index("machine says sale.outcome") :]


@pytest.mark.parametrize("fault", ["blind-sensor"])
def test_a_blind_sensor_cannot_give_the_stock_away(
    fault: str, once: Callable[[str], tuple[Done, float]]
) -> None:
    found = told(once(fault)[0])
    assert found["lane"] == {"failures": 2, "reason": "fault"}
    assert "lane 11 is not for sale now (fault)" in words(found, "edge")
    assert [sale["machine"] for sale in found["sales"]] == ["not_delivered", "not_delivered"]
    assert found["allowed_differences"] == ["the machine wrote 0 deliveries, but 2 pieces fell"]


def assert_nothing_came_of_it(found: dict[str, Any]) -> None:
    """All rights at the broker are worth nothing without the bridge's key."""
    paid, unpaid = found["sales"]
    assert found["messages_refused"] == {"bad_signature": 2, "unknown_key": 1, "unsigned": 1}
    assert "machine says sale.status" in words(found, "mqtt")
    assert (paid["machine"], unpaid["machine"]) == ("delivered", "closed")
    assert (unpaid["platform"], unpaid["paid_fen"]) == ("CLOSED", 0)
    assert (found["motor_starts"], found["pieces_dropped"]) == (1, 1)


@pytest.mark.parametrize("fault", ["replay-attack"])
def test_an_authorisation_that_is_sent_again_or_altered_moves_nothing(
    fault: str, once: Callable[[str], tuple[Done, float]]
) -> None:
    assert_nothing_came_of_it(told(once(fault)[0]))


def test_people_get_a_story_with_a_verdict() -> None:
    done = demo("--once")
    assert done.returncode == 0
    assert "a piece fell from lane 11" in done.stdout
    assert done.stdout.endswith("Machine, bridge, platform and board agree.\n")


@pytest.fixture
def mosquitto() -> str:
    """The broker's name, where it is installed."""
    if MOSQUITTO is None:
        if os.environ.get("CI") == "true":
            pytest.fail("mosquitto is not installed, and CI must run this")
        pytest.skip("mosquitto is not installed")
    return "mosquitto"


def test_a_sale_runs_on_mosquitto_as_we_ship_it(mosquitto: str) -> None:
    done = demo("--once", "--json", "--broker", mosquitto)
    assert done.returncode == 0, done.stdout + done.stderr
    found = told(done)
    assert (found["result"], found["pieces_dropped"]) == ("vended", 1)
    assert {"machine says sale.outcome", "bridge says sale.paid"} <= set(words(found, "mqtt"))


def test_who_holds_the_bridges_certificate_moves_nothing_either(mosquitto: str) -> None:
    done = demo("--once", "--json", "--fault", "replay-attack", "--broker", mosquitto)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_nothing_came_of_it(told(done))


# ---------------------------------------------------------------- what a person may get wrong


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--once", "--fault", "no-dorp"], "Try: --fault no-drop"),
        (["--fault", "jam"], "allowed with --once"),
        (["--json"], "allowed with --once"),
        (["--once", "--keep", "/"], "a folder that is not there yet"),
        (["--broker", "amqp"], "embedded"),
    ],
)
def test_bad_input_is_named_and_ends_with_2(arguments: list[str], said: str) -> None:
    done = demo(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""


def test_every_fault_is_explained() -> None:
    lines = demo("--list-faults").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [name for name in SCENARIOS if name]
    for line in lines:
        scenario = SCENARIOS[line.split()[0]]
        assert scenario.words in line
        assert line.endswith("May take 45 s.") == (scenario.longest_s == 45)


def test_a_taken_port_is_named_and_ends_with_3() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = demo("--no-browser", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 3
    assert "Try: --port 0" in done.stderr


def test_a_missing_mosquitto_ends_with_3_and_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda program, path=None: None)
    done = CliRunner().invoke(command, ["--once", "--broker", "mosquitto"])
    assert done.exit_code == 3
    assert "Try: sudo apt install mosquitto" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_sale_that_is_interrupted_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    arguments = [WXVEND, "demo", "--once", "--json", "--keep", str(tmp_path / "demo")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert _soon(lambda: (tmp_path / "demo" / "bridge.log").exists())
        below = _below(process.pid)
        process.send_signal(number)
        output, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, output) == (1, "")
    assert errors == "wxvend demo: stopped before the sale ended\n"
    assert not any(map(_runs, below))


# ---------------------------------------------------------------- the page's programs


class Running:
    """A demo with its page, and the processes below it."""

    def __init__(self, folder: Path, broker: str = "embedded") -> None:
        self.folder = folder
        arguments = [WXVEND, "demo", "--port", "0", "--no-browser", "--keep", str(folder), "--broker", broker]
        self.process = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/", line)
        assert found is not None, line + (self.process.stderr.read() if self.process.stderr else "")
        self.address = found[0]
        self.below = _below(self.process.pid)

    def gone(self) -> bool:
        """Whether nothing runs any more that ran below it."""
        return not any(_runs(pid) for pid in self.below)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    started = Running(tmp_path / "demo")
    yield started
    _end(started)


def _end(started: Running) -> None:
    if started.process.poll() is None:
        started.process.kill()
    started.process.communicate()


def _below(pid: int) -> set[int]:
    """Every process that descends from `pid`."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            parents[int(stat.parent.name)] = int(fields[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _soon(what: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        if what():
            return True
        time.sleep(0.05)
    return False


def test_each_part_is_a_process_of_its_own(running: Running) -> None:
    commands = [Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ") for pid in running.below]
    for part in ("sim broker", "sim wechat", "sim board", "bridge run", "edge run"):
        assert sum(f"wxvend {part}" in command for command in commands) == 1, commands


def test_ctrl_c_ends_everything_in_order(running: Running) -> None:
    running.process.send_signal(signal.SIGINT)
    _, errors = running.process.communicate(timeout=PATIENCE_S)
    assert running.process.returncode == 0
    assert errors == ""
    assert running.gone()
    log = (running.folder / "edge.log").read_text()
    assert "daemon.leaving" in log
    assert "Traceback" not in "".join(path.read_text() for path in running.folder.glob("*.log"))


def test_nothing_outlives_a_demo_that_was_killed(running: Running) -> None:
    running.process.kill()
    assert _soon(running.gone)


def test_mosquitto_does_not_outlive_a_demo_that_was_killed(tmp_path: Path, mosquitto: str) -> None:
    started = Running(tmp_path / "demo", mosquitto)
    assert any("mosquitto.conf" in Path(f"/proc/{pid}/cmdline").read_text() for pid in started.below)
    _end(started)
    assert _soon(started.gone)


def test_a_program_that_dies_ends_the_demo_and_is_named(running: Running) -> None:
    (edge,) = [pid for pid in running.below if "edge\0run" in Path(f"/proc/{pid}/cmdline").read_text()]
    os.kill(edge, signal.SIGKILL)
    _, errors = running.process.communicate(timeout=PATIENCE_S)
    assert running.process.returncode == 1
    assert errors.startswith("wxvend demo: edge ended with exit code -9")
    assert running.gone()


def _ask(running: Running, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(running.address + path, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_page_takes_wishes_from_itself_only_and_names_what_it_cannot_do(running: Running) -> None:
    ask = functools.partial(_ask, running)
    json_type = {"Content-Type": "application/json"}
    assert ask("api/take", b"{}", **json_type) == (204, "")
    assert ask("", Host="shop.example")[0] == 400
    assert ask("api/choose", b'{"lane": 11}', **{"Content-Type": "text/plain"})[0] == 415
    for path, body, said in (
        ("api/choose", b'{"lane": 99}', "found 99, allowed 11"),
        ("api/choose", b'{"lane": true}', "found True"),
        ("api/choose", b"[11]", "one JSON object"),
        ("api/choose", b"{", "error"),
        ("api/fault", b'{"name": "flood"}', "found 'flood', allowed jam"),
        ("api/dance", b"{}", "found 'dance'"),
    ):
        status, answer = ask(path, body, **json_type)
        assert status == 400
        assert said in answer
