"""E-mail and programs that are told of alarms: over TLS, signed, once, and without a secret said."""

import ssl
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from cloud_bridge.app_alerts import Tellers
from cloud_bridge.config_alerts import AlertsTable, HookTable, LookoutTable, MailTable, described
from cloud_bridge.config_desk import ComplaintsTable
from cloud_bridge.core.alarm import Wants, Weight
from cloud_bridge.core.alert import News
from cloud_bridge.core.digest import Digest
from cloud_bridge.web.alert_text import digest_text, subject
from cloud_bridge.web.hooks import Hook, HookSettings
from cloud_bridge.web.mail import Mail, MailSettings, written
from cloud_bridge.wechat.hooks import HookExchange, signed
from cloud_bridge.wechat.plain import Host, PlainHost
from cloud_bridge.wechat.signing import Request
from hw_sim.listeners import Mailbox, Program
from tests.unit.desk.test_alerts import Hands

PASSWORD, SECRET = "the-pass-word", "the-secret"
JAM = News(machine="vm-0001", name="lane_jam", lane=12, since_wall_ms=1_800_000_000_000, text="lane 12: jam")
DAY = Digest(
    day="2026-01-30",
    paid=40,
    paid_fen=13_650,
    refunded=4,
    refunded_fen=1_400,
    failed=3,
    raised=5,
    cases=1,
    complaints=0,
    machines=3,
    silent=("vm-0003",),
    standing=(("machine_offline", 1), ("lane_jam", 2)),
    bill="differs",
    best=(("vm-0001", 9_000), ("vm-0002", 4_650)),
)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Of a mail server on this computer, and who vouches for it: itself."""

    file: Path
    key: Path

    @property
    def server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        return context


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    folder = tmp_path_factory.mktemp("mail")
    made = Certificate(folder / "mail.pem", folder / "mail.key")
    about = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    files = ["-days", "2", "-keyout", str(made.key), "-out", str(made.file)]
    subprocess.run([*command, *about, *files], check=True, capture_output=True)
    return made


def mail(port: int, certificate: Certificate, **changes: Any) -> Mail:
    settings = MailSettings(
        name="post",
        host="127.0.0.1",
        port=port,
        tls="implicit",
        sender="wxvend@example.com",
        to=("ann@example.com", "ben@example.com"),
        user="wxvend",
        password=PASSWORD,
        authorities=str(certificate.file),
        languages=("zh", "en"),
    )
    return Mail(replace(settings, **changes), Hands())


@dataclass
class Post:
    """A mail server that runs."""

    box: Mailbox
    port: int


@pytest.fixture(params=["implicit", "starttls"])
async def post(request: pytest.FixtureRequest, certificate: Certificate) -> AsyncIterator[tuple[Post, str]]:
    starttls = request.param == "starttls"
    box = Mailbox(user="wxvend", password=PASSWORD, secured=certificate.server, starttls=starttls)
    server = await box.serve()
    yield Post(box, server.sockets[0].getsockname()[1]), request.param
    server.close()


# ---------------------------------------------------------------- e-mail


async def test_a_letter_says_what_a_chat_is_told_in_full_and_over_tls(
    post: tuple[Post, str], certificate: Certificate
) -> None:
    there, tls = post
    assert await mail(there.port, certificate, tls=tls).send((JAM,), 2) == ""
    (letter,), (readers,) = there.box.letters, there.box.readers
    assert readers == ("ann@example.com", "ben@example.com")
    assert letter["Subject"] == "wxvend: ■ 卡货 · vm-0001 货道 12 (+2)"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert "a product is stuck · vm-0001 lane 12" in letter.get_content()
    assert "另有 2 条" in letter.get_content()
    assert set(there.box.in_the_clear) <= {"EHLO", "STARTTLS"}


async def test_a_day_comes_as_one_letter(post: tuple[Post, str], certificate: Certificate) -> None:
    there, tls = post
    assert await mail(there.port, certificate, tls=tls).digest(DAY) == ""
    (letter,) = there.box.letters
    assert letter["Subject"] == "wxvend: 2026-01-30 日报"
    assert "¥136.50" in letter.get_content()


async def test_a_wrong_password_is_said_without_it(post: tuple[Post, str], certificate: Certificate) -> None:
    there, tls = post
    why = await mail(there.port, certificate, tls=tls, password="wrong-one").send((JAM,), 0)
    assert why == "login 535"
    assert there.box.letters == []


async def test_a_server_nobody_vouches_for_gets_no_password(
    post: tuple[Post, str], certificate: Certificate
) -> None:
    there, tls = post
    why = await mail(there.port, certificate, tls=tls, authorities=None).send((JAM,), 0)
    assert why.startswith("not a server for this: SSL")
    assert there.box.letters == []


async def test_who_is_not_known_there_is_counted_and_the_others_are_told(
    post: tuple[Post, str], certificate: Certificate
) -> None:
    there, tls = post
    there.box.refused = frozenset({"ben@example.com"})
    assert await mail(there.port, certificate, tls=tls).send((JAM,), 0) == "1 of 2 are refused"
    assert there.box.readers == [("ann@example.com",)]
    there.box.refused = frozenset({"ann@example.com", "ben@example.com"})
    assert await mail(there.port, certificate, tls=tls).send((JAM,), 0) == "everybody is refused"


async def test_nobody_there_is_a_reason_and_no_exception(certificate: Certificate) -> None:
    assert await mail(9, certificate).test() == "connection"


def test_no_alarm_writes_a_header() -> None:
    settings = mail(1, Certificate(Path("x"), Path("y")))._settings
    letter = written(settings, "wxvend: a\r\nBcc: all@example.com", "text", 0)
    assert letter["Bcc"] is None
    assert letter["Subject"] == "wxvend: a Bcc: all@example.com"
    assert PASSWORD not in repr(settings)


# ---------------------------------------------------------------- programs


async def test_a_program_takes_what_is_signed_and_nothing_else() -> None:
    program, clock = Program(secret=SECRET), Hands()
    server = await program.serve()
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    hosts = [PlainHost(Host(url), clock, HookExchange(secret, clock)) for secret in (SECRET, "other")]
    good, bad = (Hook(HookSettings(name="h", target="/x?k=1"), host, clock) for host in hosts)
    assert await good.send((JAM, replace(JAM, over=True, text="")), 1) == ""
    assert await good.digest(DAY) == ""
    assert await good.test() == ""
    assert await bad.send((JAM,), 0) == "http_401"
    alarms, digest, test = program.taken
    assert alarms["kind"] == "alarms"
    assert alarms["left_out"] == 1
    assert [each["raised"] for each in alarms["alarms"]] == [True, False]
    assert alarms["alarms"][0] | {"weight": ""} == {
        "machine": "vm-0001", "name": "lane_jam", "lane": 12, "raised": True, "text": "lane 12: jam",
        "since_wall_ms": 1_800_000_000_000, "weight": "", "begun_within_an_hour": 1,
    }  # fmt: skip
    assert digest["digest"]["paid_fen"] == 13_650
    assert test["kind"] == "test"
    program.status = 500
    assert await good.send((JAM,), 0) == "http_500"
    server.close()
    assert await good.send((JAM,), 0) == "connection"
    for host in hosts:
        host.close()


def test_the_signature_is_what_openssl_makes_of_it() -> None:
    # printf '1800000000.{"kind":"test"}' | openssl dgst -sha256 -hmac the-secret
    body = b'{"kind":"test"}'
    command = ["openssl", "dgst", "-sha256", "-hmac", SECRET]
    said = subprocess.run(command, input=b"1800000000." + body, capture_output=True, check=True).stdout
    assert signed(SECRET, "1800000000", body) == "sha256=" + said.decode().split("= ")[1].strip()
    headers = HookExchange(SECRET, Hands()).headers(Request("POST", "/", body))
    assert headers["X-Wxvend-Timestamp"] == "1800000000"


# ---------------------------------------------------------------- words


def test_a_day_is_told_in_both_languages_and_names_what_stands() -> None:
    text = digest_text(DAY, ("zh", "en"))
    assert "收款 40 笔 ¥136.50，退款 4 笔 ¥14.00，净额 ¥122.50" in text
    assert "paid 40 times ¥136.50, given back 4 times ¥14.00, left ¥122.50" in text
    assert "sold nothing: vm-0003" in text
    assert "standing now: a machine is gone × 1, a product is stuck × 2" in text
    assert "the bill differs" in text
    calm = digest_text(replace(DAY, standing=(), silent=(), bill="", refunded_fen=20_000), ("en",))
    assert "no alarm stands" in calm
    assert "left −¥63.50" in calm


def test_the_end_of_a_fault_has_a_line_of_its_own() -> None:
    assert subject((replace(JAM, over=True),), 0, "en") == "wxvend: ● a product is stuck · vm-0001 lane 12"


# ---------------------------------------------------------------- settings


def _file(folder: Path, name: str, words: str) -> Path:
    file = folder / name
    file.touch(mode=0o600)
    file.write_text(words)
    return file


def _mail(folder: Path, **changes: Any) -> MailTable:
    values: dict[str, Any] = {
        "name": "post",
        "host": "mail.example.com",
        "user": "wxvend",
        "password_file": _file(folder, "password", f"{PASSWORD}\n"),
        "sender": "wxvend@example.com",
        "to": ("ann@example.com",),
    }
    return MailTable(**(values | changes))


def test_everybody_is_described_and_no_secret_shown(tmp_path: Path) -> None:
    hook = HookTable(
        name="erp",
        url_file=_file(tmp_path, "url", "https://erp.example/hook?key=k-e-y"),
        secret_file=_file(tmp_path, "secret", SECRET),
        least="urgent",
        after_min=15,
    )
    alerts = AlertsTable(mails=(_mail(tmp_path, digest=True),), hooks=(hook,), digest_hour=7)
    lines, mistakes = described(alerts, ComplaintsTable())
    assert mistakes == []
    assert lines[1:] == [
        "alerts.mails: post: mail over mail.example.com:465, tls implicit, with a login, to 1",
        "alerts.hooks: erp: a program at https://erp.example, signed from urgent on after 15 min that nobody "
        "takes it",
        "alerts: a digest at 7:00 +08:00 to post",
    ]
    assert hook.wants == Wants(least=Weight.URGENT, after_s=900)
    for secret in (PASSWORD, SECRET, "k-e-y"):
        assert secret not in repr([lines, alerts])


def test_tellers_are_made_of_the_settings_and_one_that_cannot_be_is_named(tmp_path: Path) -> None:
    broken = HookTable(
        name="erp",
        url_file=_file(tmp_path, "url", "erp.example"),
        secret_file=_file(tmp_path, "secret", SECRET),
    )
    said: list[tuple[str, str]] = []
    alerts = AlertsTable(mails=(_mail(tmp_path, digest=True),), hooks=(broken,))
    tellers = Tellers(alerts, Hands(), lambda name, why: said.append((name, why)))
    assert [each.name for each in tellers.all] == ["post"]
    assert [each.name for each in tellers.readers] == ["post"]
    assert said[0][0] == "erp"
    assert "https" in said[0][1]
    tellers.close()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"tls": "none"}, "not this computer"),
        ({"user": ""}, "a login needs both"),
        ({"password_file": None}, "a login needs both"),
        ({"to": ()}, "0 addresses"),
        ({"to": ("a@b.example",) * 21}, "21 addresses"),
    ],
)
def test_a_mail_table_that_cannot_be_is_refused(tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        _mail(tmp_path, **changes)


def test_mail_in_the_clear_stays_on_this_computer(tmp_path: Path) -> None:
    for host in ("127.0.0.1", "::1", "localhost"):
        assert _mail(tmp_path, tls="none", host=host).tls == "none"


def test_a_range_of_temperatures_is_one() -> None:
    with pytest.raises(ValueError, match="lowest_c 8 not below highest_c 8"):
        LookoutTable(lowest_c=8, highest_c=8)
    assert LookoutTable(offline_min=9).terms.offline_min == 9
