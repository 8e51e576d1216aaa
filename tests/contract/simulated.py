"""`wxvend sim wechat` as a process: started, listened to line by line, asked at its desk, stopped."""

import json
import queue
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

TIMEOUT_S = 20
Line = dict[str, Any]


class Simulated:
    """The running simulator. Leaving the block stops it, and it must have stopped well."""

    def __init__(self, keys: Path, *options: str) -> None:
        self.keys = keys
        self._options = options
        self._lines: queue.Queue[Line] = queue.Queue()
        self.heard: list[Line] = []
        self.url = ""

    def __enter__(self) -> "Simulated":
        program = Path(sys.executable).with_name("wxvend")
        self._process = subprocess.Popen(
            [program, "sim", "wechat", "--port", "0", "--keys", self.keys, *self._options],
            stdout=subprocess.PIPE,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.url = str(self.next(lambda line: line["event"] == "ready")["url"])
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        assert self._process.wait(TIMEOUT_S) == 0
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._lines.put(json.loads(line))

    def next(self, wanted: Callable[[Line], bool]) -> Line:
        """The next line that is wanted, within the time."""
        while True:
            line = self._lines.get(timeout=TIMEOUT_S)
            self.heard.append(line)
            if wanted(line):
                return line

    def credentials(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.keys / "credentials.json").read_bytes())
        return found

    def desk(self, wish: str, **members: Any) -> Any:
        """Meet a wish at the desk. Raises HTTPError when it is refused."""
        body = json.dumps(members).encode()
        with urllib.request.urlopen(f"{self.url}/_sim/{wish}", data=body, timeout=TIMEOUT_S) as answer:
            return json.loads(answer.read())
