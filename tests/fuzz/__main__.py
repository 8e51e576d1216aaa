"""`scripts/fuzz [SECONDS]`: each reader in its turn; what became of the inputs, by name."""

import sys
import tempfile
from pathlib import Path

from tests.fuzz.engine import fuzz
from tests.fuzz.targets import targets
from tests.unit.wechat.parties import new_parties


def main() -> None:
    """As the docstring says. Ends with hypothesis' report when an input breaks a reader."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    with tempfile.TemporaryDirectory() as keys, tempfile.TemporaryDirectory() as folder:
        each = targets(Path(folder), new_parties(Path(keys)))
        for name, target in each.items():
            counts = fuzz(target, seconds / len(each))
            told = ", ".join(f"{what} {count}" for what, count in counts.most_common())
            sys.stdout.write(f"{name:<20}{counts.total():>8}  {told}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
