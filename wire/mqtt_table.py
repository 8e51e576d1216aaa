"""The `[mqtt]` table of both programs' settings: how to reach the broker, and never in the clear."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from wire.broker import Login, Tls
from wire.settings import File, Range


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttTable:
    """How to reach the broker. With `ca_file` the link is TLS; certificate and key show who we are."""

    host: str = "127.0.0.1"
    port: Annotated[int, Range(1, 65535)] = 1883
    ca_file: Annotated[Path, File()] | None = None
    certificate_file: Annotated[Path, File()] | None = None
    key_file: Annotated[Path, File(private=True)] | None = None
    username: str = ""
    password_file: Annotated[Path, File(private=True)] | None = None

    def __post_init__(self) -> None:
        if self.ca_file is None and self.host not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError(f"host {self.host} without ca_file: a link that leaves this board needs TLS")
        if bool(self.username) != (self.password_file is not None):
            raise ValueError("one of username and password_file without the other")

    @property
    def tls(self) -> Tls | None:
        """Who may be the broker, and what we show it."""
        if self.ca_file is None:
            return None
        return Tls(ca_file=self.ca_file, certificate_file=self.certificate_file, key_file=self.key_file)

    @property
    def login(self) -> Login | None:
        """The user name and its password's file."""
        return None if self.password_file is None else Login(self.username, self.password_file)
