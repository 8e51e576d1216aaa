"""Names that nobody can guess and nobody gives twice."""

import base64


def new_id(entropy: bytes) -> str:
    """128 random bits as 26 characters of a-z 2-7, as sales and journals are named (RFC 4648 base32)."""
    assert len(entropy) == 16, f"an id of {len(entropy)} bytes"
    return base64.b32encode(entropy).decode().rstrip("=").lower()
