"""Chance: one stream for each concern of a seed, so that a new draw in one place leaves the others alone."""

import hashlib
import random


def stream(seed: int, concern: str) -> random.Random:
    """The same numbers for the same seed and concern, on any machine."""
    digest = hashlib.sha256(f"{seed}:{concern}".encode()).digest()
    return random.Random(int.from_bytes(digest[:8]))
