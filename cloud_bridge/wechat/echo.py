"""Ask the platform itself whether keys, clock and address are right: its self-test, or what comes closest.

Each answer is put into words: which file it speaks for and what to do. Words of the platform are shown as it
said them; nothing of ours but serials, dates and file names is (APIv3 "self-test endpoint").
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Final

from cloud_bridge.ports import Clock
from cloud_bridge.wechat import jsonio
from cloud_bridge.wechat.certificates import LIST, CertificateList
from cloud_bridge.wechat.client import Client
from cloud_bridge.wechat.crypto import NotDecrypted, open_sealed, seal
from cloud_bridge.wechat.exchange import Failure, NoAnswer, Reply, Success
from cloud_bridge.wechat.key_report import KeyReport
from cloud_bridge.wechat.keys import Keys, PlatformKeys
from cloud_bridge.wechat.settings import WechatSettings
from cloud_bridge.wechat.signing import Request

CLOCK_OFF_S: Final = 60.0
_ECHO: Final = "/v3/security/echo"
_NOT_OPEN: Final = frozenset({"no_auth", "not_found", "resource_not_exists"})
_NOBODYS: Final = "/v3/pay/transactions/out-trade-no/wxvend-check-config?mchid="


@dataclass(slots=True, kw_only=True)
class Echo:
    """One merchant's self-test. `word` comes back; with `notify` a notification follows it."""

    settings: WechatSettings
    keys: Keys
    held: PlatformKeys
    client: Client
    clock: Clock
    word: str
    notify: bool = False
    lines: list[str] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    _serial: str = ""

    async def report(self) -> KeyReport:
        """Make the calls and say what they mean."""
        if self.settings.downloads:
            judge = CertificateList(self.keys, self.held, self.client.exchange, self.clock).judge
            self._listed(await self.client.call(LIST, judge))
        sealing = self.keys.sealing(self.clock.wall_ms() / 1000)
        if sealing is None:
            self.mistakes.append(
                "echo: found no key of the platform that holds today; allowed is one or more"
            )
            return self._said()
        serial, key = sealing
        members = {"echo_message": self.word, "encrypted_echo_message": seal(key, self.word)}
        if self.notify:
            members["notify_url"] = self.settings.notify_url
        request = Request("POST", _ECHO, jsonio.write(members), sealed_for=serial)
        await self._judged(await self.client.call(request, self._seen))
        return self._said()

    def _said(self) -> KeyReport:
        return KeyReport(lines=tuple(self.lines), mistakes=tuple(self.mistakes))

    def _seen(self, status: int, headers: Mapping[str, str], content: bytes) -> Reply:
        """What came, for the words about it."""
        lower = {name.lower(): value for name, value in headers.items()}
        self._serial = lower.get("wechatpay-serial", "")
        self._dated(lower.get("date", ""))
        return self.client.exchange.judge(status, headers, content)

    def _dated(self, date: str) -> None:
        try:
            offset_s = self.clock.wall_ms() / 1000 - parsedate_to_datetime(date).timestamp()
        except ValueError:
            return
        words = f"clock: {abs(offset_s):.0f} s {'ahead of' if offset_s > 0 else 'behind'} the platform's"
        if abs(offset_s) > CLOCK_OFF_S:
            self.mistakes.append(f"{words}; allowed are {CLOCK_OFF_S:.0f} s. Try: timedatectl, chrony")
        else:
            self.lines.append(words)

    def _listed(self, reply: Reply) -> None:
        match reply:
            case Success():
                serials = ", ".join(sorted(self.held))
                self.lines.append(f"api_v3_key_file: it opened the list of certificates, which has {serials}")
            case NoAnswer(why="not_decrypted"):
                self.mistakes.append(
                    "api_v3_key_file: found a key that does not open the platform's certificates; allowed is "
                    "the APIv3 key as the console has it now, not that of APIv2"
                )
            case Failure(why=why, detail=detail):
                self.mistakes.append(
                    f"download_certificates: found {why} ({detail}); allowed for merchants who have any. "
                    "Try: platform_public_keys from the console, and download_certificates = false"
                )
            case NoAnswer(why=why):
                self.mistakes.append(f"download_certificates: found {why}; allowed is an answer to believe")

    async def _judged(self, reply: Reply) -> None:
        match reply:
            case Success(value=value):
                self._echoed(value)
            case Failure(why="sign_error", detail=detail):
                self.mistakes.append(
                    f"merchant_private_key_file, merchant_serial: found {detail}; allowed are key and serial "
                    f"of the certificate that {self.settings.mchid} has now"
                )
            case Failure(why=why) if why in _NOT_OPEN:
                await self._otherwise()
            case Failure(why=why, detail=detail):
                self.mistakes.append(f"echo: found {why} ({detail}); allowed is an echo")
            case NoAnswer(why=why):
                self._unbelieved(why)

    def _echoed(self, value: jsonio.Json) -> None:
        signed = f"answered with {self._serial}, which is held here"
        self.lines.append(f"merchant_private_key_file: the platform takes our signature, {signed}")
        try:
            back = open_sealed(self.keys.private_key, jsonio.text(value, "encrypted_echo_message"))
        except (NotDecrypted, jsonio.BadJson):
            back = ""
        if (value.get("echo_message"), back) != (self.word, self.word):
            self.mistakes.append(
                "merchant_private_key_file: found an echo that does not open; allowed is the key of the "
                "merchant certificate that the console has"
            )
        if self.notify:
            self.lines.append(
                f"notify_url: a notification follows to {self.settings.notify_url}; the bridge counts it as "
                "notice.OtherNotice, or says in its log why it is not believed"
            )

    async def _otherwise(self) -> None:
        """The self-test is not open to every merchant: ask for an order that nobody made."""
        reply = await self.client.call(Request("GET", _NOBODYS + self.settings.mchid), self._seen)
        match reply:
            case Failure(why="order_not_exist"):
                self.lines.append(
                    "merchant_private_key_file: the platform takes our signature; the self-test, which would "
                    "show its own, is not open to this merchant"
                )
            case Failure() | NoAnswer():
                await self._judged(reply) if reply.why not in _NOT_OPEN else self._unbelieved(reply.why)
            case Success():
                self._unbelieved("bad_answer")

    def _unbelieved(self, why: str) -> None:
        key = f"the key of {self._serial or 'the platform'}"
        words = {
            "unknown_serial": f"platform_public_keys: found none named {self._serial}, with which the "
            "platform answers; allowed are the id and the file that the console shows",
            "bad_signature": f"platform_public_keys: found another key in the place of {key}; allowed is the "
            "file that belongs to the id",
            "key_out_of_date": f"platform_certificate_files: found {key} out of date; allowed is a valid one",
            "stale": "clock: found an answer outside of five minutes; allowed is the right time of day",
            "tls": "base_url: found no certificate that this computer trusts; allowed is the platform's own",
            "proxy": "proxy_url: found no way through; allowed is a proxy that lets us to the platform",
        }
        self.mistakes.append(words.get(why, f"echo: found {why}; allowed is an answer that verifies"))
