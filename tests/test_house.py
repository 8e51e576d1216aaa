"""The house rules, read from the syntax trees: who may know whom, how large things get, what is banned."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAM = ("cli.py", "edge", "wire", "cloud_bridge", "hw_sim")
FILE_LINES, FUNCTION_LINES, PARAMETERS = 400, 50, 5

PURE = {"dataclasses", "enum", "typing", "collections.abc", "types"}
EDGE = {"edge.core", "edge.ports", "edge.ids"}
BRIDGE = {"cloud_bridge.core", "cloud_bridge.ports"}

# room -> what of ours it may import besides itself. The longest matching name counts.
MAY_IMPORT: dict[str, set[str]] = {
    "edge.core": set(),
    "edge.ports": {"edge.core"},
    "edge.ids": set(),
    "edge.senses": EDGE,
    "edge.engine": EDGE | {"edge.senses"},
    "edge.journal": EDGE | {"edge.journal_rows"},
    "edge.journal_rows": EDGE,
    "edge.drivers": EDGE,
    "edge.display": EDGE,
    "edge.payment": EDGE | {"wire"},
    "edge.tech": EDGE | {"edge.drivers", "edge.display.codes"},
    "edge.config": EDGE | {"edge.display", "edge.drivers", "wire"},
    "edge.host": EDGE | {"edge.journal"},
    "edge.app": {"edge", "wire"},
    "edge.cli": {"edge", "wire"},
    "cloud_bridge.core": set(),
    "cloud_bridge.ports": {"cloud_bridge.core"},
    "cloud_bridge.engine": BRIDGE,
    "cloud_bridge.wechat": BRIDGE,
    "cloud_bridge.store": BRIDGE,
    "cloud_bridge.fleet": BRIDGE | {"wire"},
    "cloud_bridge.web": BRIDGE,
    "cloud_bridge.sheets": set(),
    "cloud_bridge.matrix": set(),
    "cloud_bridge.config": BRIDGE | {"cloud_bridge.wechat", "wire"},
    "cloud_bridge.app": {"cloud_bridge", "wire"},
    "cloud_bridge.cli": {"cloud_bridge", "wire"},
    "wire": set(),
    "hw_sim.boards": set(),
    "hw_sim.platform": set(),
    "hw_sim.broker": set(),
    "hw_sim.robots": set(),
    "hw_sim.listeners": set(),
    "hw_sim.cli": {"hw_sim"},
    "hw_sim.demo": {"hw_sim", "edge", "cloud_bridge", "wire"},
    "hw_sim.soak": {"hw_sim", "wire"},
    "hw_sim.world": {"hw_sim", "edge", "cloud_bridge", "wire"},
    "cli": set(),
}
# third-party package -> the files, or the one room, that know it
HOME: dict[str, set[str]] = {
    "paho": {"wire.link"},
    "msgspec": {"wire.codec"},
    "structlog": {"wire.service"},
    "systemd_watchdog": {"wire.service"},
    "serial": {"edge.drivers.serial_port", "edge.drivers.ports"},
    "serial_asyncio": {"edge.drivers.serial_port"},
    "textual": {"edge.tech.ui"},
    "rich": {"edge.tech.ui"},
    "qrcode": {"edge.display.qr", "cloud_bridge.sheets", "cloud_bridge.matrix"},
    "PIL": {"edge.display.canvas", "cloud_bridge.sheets", "hw_sim.demo.phone"},
    "requests": {"cloud_bridge.wechat.client"},
    "sqlalchemy": {"cloud_bridge.store"},
    "alembic": {"cloud_bridge.store"},
    "fastapi": {"cloud_bridge.web"},
    "jinja2": {"cloud_bridge.web.site"},
    "argon2": {"cloud_bridge.web.passwords"},
    "xlsxwriter": {"cloud_bridge.web.report_files"},
    "prometheus_client": {"cloud_bridge.web.metrics"},
    "uvicorn": {"cloud_bridge.web", "hw_sim.platform.http_face", "hw_sim.demo"},
    "iotcore": {"hw_sim.broker"},
    "zxingcpp": {"hw_sim.demo.phone"},
}
NEVER_CALLED = {
    "eval": "nothing here is a program",
    "exec": "nothing here is a program",
    "print": "a daemon logs, a command echoes",
    "breakpoint": "left from a search",
    "time.sleep": "the loop must not stand still",
    "os.system": "a shell reads more than was meant",
    "pickle.loads": "bytes from outside must stay bytes",
    "yaml.load": "bytes from outside must stay bytes",
    "datetime.now": "time is an argument",
    "time.time": "time is an argument",
}
# Where a banned call is the point: processes that wait for a child, simulators that print events.
ALLOWED_CALLS = {
    "hw_sim.broker": {"time.sleep"},
}


def files() -> list[Path]:
    found = [ROOT / "cli.py"]
    for room in PROGRAM[1:]:
        found += sorted(path for path in (ROOT / room).rglob("*.py"))
    return found


def module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            yield node.lineno, node.module or ""
            for alias in node.names:  # `from edge.core import machine` names a module, too
                if (ROOT / (node.module or "").replace(".", "/") / f"{alias.name}.py").exists():
                    yield node.lineno, f"{node.module}.{alias.name}"


def within(name: str, rooms: set[str]) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def room_of(name: str) -> str:
    rooms = [room for room in MAY_IMPORT if within(name, {room}) or name.startswith(f"{room}_")]
    assert rooms, f"{name}: in no room. Allowed: the rooms of MAY_IMPORT"
    return max(rooms, key=len)


def split_off(name: str, rooms: set[str]) -> bool:
    return any(name.startswith(f"{room}_") for room in rooms)


def ours(name: str) -> bool:
    return name.split(".")[0] in {"edge", "wire", "cloud_bridge", "hw_sim", "cli"} and "." in name


@pytest.mark.parametrize("path", files(), ids=module)
def test_a_room_imports_only_what_the_table_allows(path: Path) -> None:
    name = module(path)
    if name in {"edge", "cloud_bridge", "hw_sim"}:
        assert list(imports(path)) == []
        return
    room = room_of(name)
    allowed = MAY_IMPORT[room] | {room} | {room.split(".")[0] + "." + room.split(".")[-1] + "_rows"}
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {target}"
        for line, target in imports(path)
        if ours(target) and not within(target, allowed) and not split_off(target, allowed)
    ]
    assert wrong == [], f"{room} may import {sorted(allowed)}"


@pytest.mark.parametrize("core", ["edge/core", "cloud_bridge/core"])
def test_a_core_knows_no_clock_no_chance_and_no_device(core: str) -> None:
    own = core.replace("/", ".")
    for path in sorted((ROOT / core).glob("*.py")):
        foreign = [name for _, name in imports(path) if name not in PURE and not within(name, {own})]
        assert foreign == [], f"{path.relative_to(ROOT)} may import {sorted(PURE)}"


@pytest.mark.parametrize("room", ["hw_sim/boards", "hw_sim/platform"])
def test_a_simulator_shares_no_mistake_with_what_it_tests(room: str) -> None:
    own = room.replace("/", ".")
    outside = {"cryptography", "starlette", "uvicorn"}
    for path in sorted((ROOT / room).glob("*.py")):
        for line, name in imports(path):
            top = name.split(".")[0]
            known = within(name, {own}) or top in sys.stdlib_module_names or top in outside
            assert known, f"{path.relative_to(ROOT)}:{line}: {name}"


@pytest.mark.parametrize("package", HOME)
def test_each_outside_package_has_one_home(package: str) -> None:
    users = {module(path) for path in files() for _, name in imports(path) if within(name, {package})}
    assert [user for user in users if not within(user, HOME[package])] == []


@pytest.mark.parametrize("path", files(), ids=module)
def test_files_and_functions_fit_in_the_head(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= FILE_LINES
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= FUNCTION_LINES, f"{node.name}: {length} lines"
            count = len([arg for arg in node.args.args if arg.arg not in ("self", "cls")])
            assert count <= PARAMETERS, f"{node.name}: {count} parameters by position"


@pytest.mark.parametrize("path", files(), ids=module)
def test_what_is_never_called_is_never_called(path: Path) -> None:
    allowed = ALLOWED_CALLS.get(module(path), set())
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in NEVER_CALLED and name not in allowed:
                pytest.fail(f"{path.relative_to(ROOT)}:{node.lineno}: {name}: {NEVER_CALLED[name]}")


@pytest.mark.parametrize("path", files(), ids=module)
def test_every_file_says_what_it_is_for(path: Path) -> None:
    if path.read_text().strip():
        assert ast.get_docstring(tree(path)), f"{path.relative_to(ROOT)} opens without a docstring"


def test_no_product_code_asks_whether_it_is_being_tested() -> None:
    for path in files():
        text = path.read_text()
        assert "PYTEST_CURRENT_TEST" not in text, path
        assert "unittest.mock" not in text, path
