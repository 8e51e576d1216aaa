"""E-mail about alarms and days, over TLS to a mail server of the operator's own.

One connection for one message, in a thread. A server's words go to no log: they may quote an address.
"""

import asyncio
import smtplib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate
from typing import Final

from cloud_bridge.core.alarm import Wants
from cloud_bridge.core.alert import News
from cloud_bridge.core.digest import Digest
from cloud_bridge.ports import Clock
from cloud_bridge.web.alert_text import TEST, digest_subject, digest_text, message, subject

MOST: Final = 100
_WITHIN_S: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """A mail server and who gets mail through it. `tls`: implicit | starttls | none, on this computer only.

    `authorities` is a PEM file with who vouches for the server, where that is nobody whom everybody trusts.
    """

    name: str
    host: str
    port: int
    tls: str
    sender: str
    to: tuple[str, ...]
    user: str = ""
    password: str = field(default="", repr=False)
    authorities: str | None = None
    languages: tuple[str, ...] = ("zh",)
    wants: Wants = field(default_factory=Wants)


class Mail:
    """Implements `ports_alarms.Listener` and `DigestReader`."""

    most: Final = MOST
    alarming: Final = True

    def __init__(self, settings: MailSettings, clock: Clock) -> None:
        self._settings: Final = settings
        self._clock: Final = clock

    @property
    def name(self) -> str:
        """Its name in the settings."""
        return self._settings.name

    @property
    def wants(self) -> Wants:
        """What of it."""
        return self._settings.wants

    def anew(self) -> bool:
        """A mailbox forgets nothing."""
        return False

    async def send(self, news: Sequence[News], left_out: int) -> str:
        """One message; empty, or why it was not taken."""
        languages = self._settings.languages
        return await self._post(subject(news, left_out, languages[0]), message(news, left_out, languages))

    async def digest(self, digest: Digest) -> str:
        """One message about a day; empty, or why it was not taken."""
        languages = self._settings.languages
        return await self._post(digest_subject(digest, languages[0]), digest_text(digest, languages))

    async def test(self) -> str:
        """A message that means nothing; empty, or why it was not taken."""
        words = "\n".join(TEST[language] for language in self._settings.languages)
        return await self._post("wxvend", words)

    async def _post(self, about: str, text: str) -> str:
        letter = written(self._settings, about, text, self._clock.wall_ms())
        return await asyncio.to_thread(_posted, self._settings, letter)

    def close(self) -> None:
        """There is nothing to let go of: each message has its own connection."""


def written(settings: MailSettings, about: str, text: str, wall_ms: int) -> EmailMessage:
    """The message. No line of ours can become a header: a subject is one line."""
    letter = EmailMessage()
    letter["Subject"] = " ".join(about.split())
    letter["From"] = settings.sender
    letter["To"] = ", ".join(settings.to)
    letter["Date"] = formatdate(wall_ms / 1000)
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(text, cte="base64")
    return letter


def _posted(settings: MailSettings, letter: EmailMessage) -> str:
    try:
        with _connected(settings) as server:
            if settings.user:
                server.login(settings.user, settings.password)
            refused = server.send_message(letter, settings.sender, list(settings.to))
        return f"{len(refused)} of {len(settings.to)} are refused" if refused else ""
    except smtplib.SMTPAuthenticationError as error:
        return f"login {error.smtp_code}"
    except smtplib.SMTPResponseException as error:
        return f"smtp {error.smtp_code}"
    except smtplib.SMTPRecipientsRefused:
        return "everybody is refused"
    except (smtplib.SMTPException, ssl.SSLError) as error:
        return f"not a server for this: {type(error).__name__}"
    except TimeoutError:
        return "timeout"
    except (OSError, UnicodeError):
        return "connection"


def _connected(settings: MailSettings) -> smtplib.SMTP:
    trusted = ssl.create_default_context(cafile=settings.authorities)
    trusted.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.tls == "implicit":
        return smtplib.SMTP_SSL(settings.host, settings.port, timeout=_WITHIN_S, context=trusted)
    server = smtplib.SMTP(settings.host, settings.port, timeout=_WITHIN_S)
    if settings.tls == "starttls":
        _or_closed(server, lambda: server.starttls(context=trusted))
    return server


def _or_closed(server: smtplib.SMTP, step: Callable[[], object]) -> None:
    try:
        step()
    except BaseException:
        server.close()
        raise
