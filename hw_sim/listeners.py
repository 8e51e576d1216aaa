"""Who is told of alarms beside chats: a mail server (RFC 5321, 3207, 4954) and a program that takes JSON.

Written from those texts and from what `docs/alerts.md` says of the signature; both take nothing unsigned.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Final

_LARGEST: Final = 256 * 1024


@dataclass(slots=True)
class Mailbox:
    """A mail server for one user. `refused` are addresses that it does not know."""

    user: str = ""
    password: str = ""
    secured: ssl.SSLContext | None = None
    starttls: bool = False
    refused: frozenset[str] = frozenset()
    letters: list[EmailMessage] = field(default_factory=list)
    readers: list[tuple[str, ...]] = field(default_factory=list)
    in_the_clear: list[str] = field(default_factory=list)

    async def serve(self) -> asyncio.Server:
        """On a free port of this computer; from its first byte over TLS unless it offers STARTTLS."""
        first = None if self.starttls else self.secured
        return await asyncio.start_server(self._talk, "127.0.0.1", 0, ssl=first, limit=_LARGEST)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = _Talk(box=self, clear=self.starttls or self.secured is None)
        try:
            writer.write(b"220 mail.example ESMTP\r\n")
            while (line := await reader.readline()) and not talk.over:
                said = line.decode().rstrip("\r\n")
                if talk.clear:
                    self.in_the_clear.append(said.split(" ")[0].upper())
                writer.write(talk.answer(said))
                if said.upper() == "STARTTLS" and self.secured is not None:
                    await writer.start_tls(self.secured)
                    talk.clear = False
                if said.upper() == "DATA":
                    await writer.drain()
                    talk.take(await reader.readuntil(b"\r\n.\r\n"))
                    writer.write(b"250 taken\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()


@dataclass(slots=True)
class _Talk:
    """One conversation."""

    box: Mailbox
    clear: bool
    known: bool = False
    over: bool = False
    to: list[str] = field(default_factory=list)

    def answer(self, said: str) -> bytes:
        verb = said.split(" ")[0].upper()
        match verb:
            case "EHLO":
                offers = ["250-mail.example", *(["250-STARTTLS"] if self.clear and self.box.starttls else [])]
                return "\r\n".join([*offers, "250-AUTH PLAIN", "250 8BITMIME", ""]).encode()
            case "STARTTLS":
                return b"220 go on\r\n"
            case "AUTH":
                _, user, password = base64.b64decode(said.split(" ")[2]).decode().split("\0")
                self.known = (user, password) == (self.box.user, self.box.password)
                return b"235 welcome\r\n" if self.known else b"535 who is that? " + user.encode() + b"\r\n"
            case "MAIL" | "RCPT" if self.box.user and not self.known:
                return b"530 log in first\r\n"
            case "RCPT":
                address = said.partition("<")[2].partition(">")[0]
                if address in self.box.refused:
                    return b"550 nobody here\r\n"
                self.to.append(address)
                return b"250 fine\r\n"
            case "DATA":
                return b"354 go on\r\n"
            case "QUIT":
                self.over = True
                return b"221 bye\r\n"
            case _:
                return b"250 fine\r\n"

    def take(self, content: bytes) -> None:
        plain = content.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
        letter = message_from_bytes(plain, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.box.letters.append(letter)
        self.box.readers.append(tuple(self.to))


@dataclass(slots=True)
class Program:
    """A program that takes what is signed with `secret`. `status` is what it answers with to a good one."""

    secret: str
    status: int = 204
    taken: list[dict[str, Any]] = field(default_factory=list)

    async def serve(self) -> asyncio.Server:
        """On a free port of this computer."""
        return await asyncio.start_server(self._answer, "127.0.0.1", 0)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lines = (line.partition(": ") for line in head.split("\r\n")[1:])
            headers = {name.lower(): value for name, _, value in lines}
            body = await reader.readexactly(min(_LARGEST, int(headers.get("content-length", "0"))))
            status = self.take(headers, body)
            start = f"HTTP/1.1 {status} said\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            writer.write(start.encode())
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            pass
        finally:
            writer.close()

    def take(self, headers: Mapping[str, str], body: bytes) -> int:
        """One POST; its status."""
        signed = headers.get("x-wxvend-timestamp", "").encode() + b"." + body
        good = "sha256=" + hmac.new(self.secret.encode(), signed, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(good, headers.get("x-wxvend-signature", "")):
            return 401
        if 200 <= self.status < 300:
            self.taken.append(json.loads(body))
        return self.status
