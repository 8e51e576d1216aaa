"""Words that we show to a payer through the platform."""


def within(words: str, most: int) -> str:
    """Words in at most so many bytes: limits are in bytes, and control characters break the payment page."""
    clean = " ".join("".join(each if each.isprintable() else " " for each in words).split())
    return clean.encode()[:most].decode(errors="ignore").rstrip()
