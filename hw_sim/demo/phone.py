"""A shopper's phone: it reads the code from the picture on the screen and knows nothing else."""

from pathlib import Path
from typing import Final

import zxingcpp
from PIL import Image, UnidentifiedImageError

_QR: Final = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])


def read_code(picture: Path) -> str:
    """What a QR code in the picture says, or empty when there is none (or no picture yet)."""
    try:
        with Image.open(picture) as image:
            found = zxingcpp.read_barcodes(image.convert("L"), formats=_QR)
    except (OSError, UnidentifiedImageError):
        return ""
    return str(found[0].text) if found else ""
