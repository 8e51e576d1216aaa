"""Numbers and nonces in the forms WeChat Pay gives them, all drawn from one injected source of chance."""

import random
import string
import uuid
from typing import Final

from hw_sim.platform.answers import rfc3339

_ALPHANUMERIC: Final = string.ascii_letters + string.digits


class Ids:
    """Names for new things. The same seed gives the same names."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def code_url(self) -> str:
        """What goes into the QR code: opaque to a merchant."""
        return f"weixin://wxpay/bizpayurl?pr={self._draw(_ALPHANUMERIC, 9)}"

    def transaction_id(self, now_ms: int) -> str:
        """28 digits with the day in them, as on a real receipt."""
        return f"4200{self._draw(string.digits, 6)}{_day(now_ms)}{self._draw(string.digits, 10)}"

    def refund_id(self, now_ms: int) -> str:
        """29 digits with the day in them."""
        return f"503{self._draw(string.digits, 8)}{_day(now_ms)}{self._draw(string.digits, 10)}"

    def complaint_id(self, now_ms: int) -> str:
        """26 digits with the day in them."""
        return f"2000{_day(now_ms)}{self._draw(string.digits, 14)}"

    def media_id(self) -> str:
        """Opaque."""
        return self._draw(_ALPHANUMERIC, 40)

    def notice_id(self) -> str:
        """36 characters."""
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))

    def request_id(self, number: int) -> str:
        """The `Request-ID` header: opaque, a dash, 0 or the number of the error."""
        return f"08{self._draw('0123456789ABCDEF', 30)}-{number}"

    def nonce(self, length: int) -> str:
        """Letters and digits."""
        return self._draw(_ALPHANUMERIC, length)

    def base64_text(self, length: int) -> str:
        """Something that looks like base64."""
        return self._draw(_ALPHANUMERIC + "+/", length)

    def serial(self) -> str:
        """A certificate serial nobody has."""
        return self._draw("0123456789ABCDEF", 40)

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self._rng.random() < probability

    def shuffled(self, members: dict[str, object]) -> dict[str, object]:
        """The same members in another order."""
        names = list(members)
        self._rng.shuffle(names)
        return {name: members[name] for name in names}

    def _draw(self, alphabet: str, length: int) -> str:
        return "".join(self._rng.choices(alphabet, k=length))


def _day(now_ms: int) -> str:
    return rfc3339(now_ms)[:10].replace("-", "")
