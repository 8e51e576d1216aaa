"""What several benchmarks stand on: the shipped mosquitto with certificates of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hw_sim.broker import MosquittoBroker, Shipped

ROOT: Final = Path(__file__).parents[1]


@contextmanager
def mosquitto(folder: Path, certs: Path) -> Iterator[MosquittoBroker]:
    """mosquitto with the configuration we ship, for the time of the block. Raises NoBroker."""
    shipped = Shipped(
        conf=ROOT / "systemd" / "mosquitto.conf", acl=ROOT / "systemd" / "mosquitto.acl", certs=certs
    )
    broker = MosquittoBroker(folder, shipped)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
