"""A code for a page to draw: rows of squares, `1` for a dark one, without the quiet zone around it."""

from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode


def matrix(words: str) -> tuple[str, ...]:
    """The rows of the smallest code that holds `words`."""
    code = QRCode(error_correction=ERROR_CORRECT_M, border=0)
    code.add_data(words)
    code.make(fit=True)
    return tuple("".join("1" if dark else "0" for dark in row) for row in code.get_matrix())
