"""The folder of keys, the modes of signing, and openssl as a second opinion on both."""

import base64
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hw_sim.platform import crypto
from hw_sim.platform.keys import KeysDamaged, open_keys
from hw_sim.platform.signatures import KeyMode
from tests.unit.sim_platform.bench import START_MS, Bench

PROMISED = {
    *("mchid", "appid", "api_v3_key", "merchant_serial", "merchant_private_key_file"),
    *("platform_public_key_id", "platform_public_key_file"),
    *("platform_certificate_file", "platform_certificate_serial", "api_v3_key_file"),
}


@pytest.fixture
def own_folder(key_folder: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    for path in key_folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def credentials(folder: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((folder / "credentials.json").read_bytes())
    return found


# ---------------------------------------------------------------- the folder


def test_the_first_start_writes_what_a_merchant_needs_and_nobody_else_may_read(key_folder: Path) -> None:
    known = credentials(key_folder)
    assert set(known) >= PROMISED
    for name in [name for name in known if name.endswith("_file")]:
        assert (key_folder / known[name]).is_file()
    assert (key_folder / known["api_v3_key_file"]).read_text() == known["api_v3_key"]
    assert stat.S_IMODE(key_folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in key_folder.iterdir()} == {0o600}


def test_a_later_start_finds_the_same_merchant(key_folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in key_folder.iterdir()}
    keys = open_keys(key_folder, now_ms=START_MS + 1_000_000)
    assert keys.merchant.mchid == credentials(key_folder)["mchid"]
    assert {path.name: path.read_bytes() for path in key_folder.iterdir()} == before


@pytest.mark.parametrize("name", ["merchant_private_key.pem", "platform_certificate.pem", "credentials.json"])
def test_a_missing_file_is_named_and_nothing_is_made_anew(own_folder: Path, name: str) -> None:
    (own_folder / name).unlink()
    with pytest.raises(KeysDamaged, match=rf"{name}: found missing.*Restore it, or remove"):
        open_keys(own_folder, now_ms=START_MS)
    assert not (own_folder / name).exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("credentials.json", b"{"),
        ("credentials.json", b"[]"),
        ("merchant_private_key.pem", b"no key"),
        ("platform_public_key.pem", b"\xff"),
        ("platform_certificate.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ],
)
def test_a_damaged_file_is_named(own_folder: Path, name: str, content: bytes) -> None:
    (own_folder / name).write_bytes(content)
    with pytest.raises(KeysDamaged, match=name):
        open_keys(own_folder, now_ms=START_MS)


def test_files_of_different_keys_are_told_apart(own_folder: Path) -> None:
    (own_folder / "platform_certificate.pem").write_bytes(
        (own_folder / "platform_next_certificate.pem").read_bytes()
    )
    with pytest.raises(KeysDamaged, match=r"platform_certificate\.pem: found a certificate of another key"):
        open_keys(own_folder, now_ms=START_MS)


@pytest.mark.parametrize("member", ["merchant_serial", "platform_certificate_serial"])
def test_a_serial_that_is_not_the_certificates_is_named(own_folder: Path, member: str) -> None:
    known = credentials(own_folder) | {member: "A" * 40}
    (own_folder / "credentials.json").write_text(json.dumps(known))
    with pytest.raises(KeysDamaged, match=rf"credentials\.json: found {member} A+, the certificate has"):
        open_keys(own_folder, now_ms=START_MS)


def test_a_secret_of_the_wrong_shape_is_not_repeated_in_the_error(own_folder: Path) -> None:
    known = credentials(own_folder) | {"api_v3_key": "short-secret"}
    (own_folder / "credentials.json").write_text(json.dumps(known))
    with pytest.raises(KeysDamaged, match="api_v3_key") as caught:
        open_keys(own_folder, now_ms=START_MS)
    assert "short-secret" not in str(caught.value)


def test_no_secret_shows_in_a_repr(key_folder: Path) -> None:
    shown = repr(open_keys(key_folder, now_ms=START_MS))
    assert credentials(key_folder)["api_v3_key"] not in shown
    assert "PrivateKey" not in shown


# ---------------------------------------------------------------- openssl


def openssl(*arguments: str | Path) -> str:
    if shutil.which("openssl") is None:
        assert os.environ.get("CI") != "true", "openssl is missing; try: apt-get install openssl"
        pytest.skip("openssl is missing")
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True, text=True).stdout


def test_openssl_agrees_with_a_signed_answer(bench: Bench, key_folder: Path, tmp_path: Path) -> None:
    answer = bench.create().answer
    head = f"{answer.headers['Wechatpay-Timestamp']}\n{answer.headers['Wechatpay-Nonce']}\n"
    (tmp_path / "message").write_bytes(head.encode() + answer.body + b"\n")
    (tmp_path / "signature").write_bytes(base64.b64decode(answer.headers["Wechatpay-Signature"]))
    key = key_folder / credentials(key_folder)["platform_public_key_file"]
    verify = ("dgst", "-sha256", "-verify", key, "-signature", tmp_path / "signature", tmp_path / "message")
    assert openssl(*verify) == "Verified OK\n"


def test_openssl_reads_the_platform_certificate(key_folder: Path) -> None:
    known = credentials(key_folder)
    path = key_folder / known["platform_certificate_file"]
    said = openssl("x509", "-in", path, "-noout", "-serial", "-text")
    assert f"serial={known['platform_certificate_serial']}\n" in said
    assert "Public-Key: (2048 bit)" in said
    at = str(START_MS // 1000)
    assert openssl("verify", "-attime", at, "-CAfile", path, path).endswith("OK\n")


def test_the_cipher_gives_the_bytes_that_an_official_sdk_tests_with() -> None:
    key, nonce = "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb", "uluk4a9R25RW"  # published: no secret
    sealed = crypto.encrypt(b"message", key=key, nonce=nonce, associated_data="associatedData")
    assert sealed == "ulwSiIajGClcvcOYvOQ7+l+0PAbzzwI="


# ---------------------------------------------------------------- modes


def certificates(bench: Bench) -> dict[str, x509.Certificate]:
    """The list as a merchant reads it: serial to certificate."""
    result = bench.call("GET", "/v3/certificates")
    assert result.status == 200
    found = {}
    for item in result.body["data"]:
        sealed = item["encrypt_certificate"]
        assert sealed["associated_data"] == "certificate"
        cipher = AESGCM(bench.keys.merchant.api_v3_key.encode())
        text = base64.b64decode(sealed["ciphertext"])
        pem = cipher.decrypt(sealed["nonce"].encode(), text, b"certificate")
        found[item["serial_no"]] = x509.load_pem_x509_certificate(pem)
    assert bench.verifies(result.answer.headers, result.answer.body)
    return found


def serials_of_answers(bench: Bench, asked: str = "") -> set[str]:
    headers = {"wechatpay-serial": asked} if asked else {}
    target = "/v3/pay/transactions/native"
    bodies = [bench.order_body(f"order-{number:06}") for number in range(30)]
    answers = [bench.call("POST", target, body, **headers).answer for body in bodies]
    assert all(bench.verifies(answer.headers, answer.body) for answer in answers)
    return {answer.headers["Wechatpay-Serial"] for answer in answers}


def serials_of_notices(bench: Bench) -> list[str]:
    for number in range(100):
        bench.paid(f"paid-{number:06}")
    bench.pass_ms(0)
    assert all(bench.opened(letter) for _, letter in bench.letters)
    return [letter.headers["Wechatpay-Serial"] for _, letter in bench.letters]


def test_public_key_mode_has_no_certificates(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(mode="public_key")
    result = bench.call("GET", "/v3/certificates")
    assert (result.status, result.code) == (404, "RESOURCE_NOT_EXISTS")
    assert "申请使用微信支付公钥" in result.body["message"]
    assert serials_of_answers(bench) == {bench.keys.public_key.serial}
    assert set(serials_of_notices(bench)) == {bench.keys.public_key.serial}
    assert bench.keys.public_key.serial.startswith("PUB_KEY_ID_")


def test_certificate_mode_signs_with_the_listed_certificate(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(mode="certificate")
    (serial,) = certificates(bench)
    assert serial == bench.keys.certificate.serial
    assert certificates(bench)[serial].serial_number == int(serial, 16)
    assert serials_of_answers(bench, bench.keys.public_key.serial) == {serial}
    assert set(serials_of_notices(bench)) == {serial}


def test_while_rotating_both_certificates_are_listed_and_in_traffic(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(mode="rotating")
    both = {bench.keys.certificate.serial, bench.keys.next_certificate.serial}
    assert set(certificates(bench)) == both
    assert serials_of_answers(bench) == both
    assert set(serials_of_notices(bench)) == both
    bench = make_bench(mode="rotating")
    asked = bench.keys.next_certificate.serial
    assert serials_of_answers(bench, asked.lower()) == {asked}


def test_while_migrating_answers_follow_the_request_and_notices_the_share(
    make_bench: Callable[..., Bench],
) -> None:
    bench = make_bench(mode="migrating:0.2")
    public, certificate = bench.keys.public_key.serial, bench.keys.certificate.serial
    assert serials_of_answers(bench) == {certificate}
    serials = serials_of_notices(bench)
    assert 5 <= serials.count(public) <= 40
    assert set(serials) == {public, certificate}
    bench = make_bench(mode="migrating:0.2")
    assert serials_of_answers(bench, public) == {public}


def test_the_mode_may_change_while_it_runs(bench: Bench) -> None:
    bench.signer.mode = KeyMode.parse("certificate")
    assert bench.create().answer.headers["Wechatpay-Serial"] == bench.keys.certificate.serial


@pytest.mark.parametrize(
    "text", ["", "both", "migrating", "migrating:", "migrating:2", "migrating:nan", "certificate:0.1"]
)
def test_a_mode_that_is_none_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match="allowed certificate, rotating, public_key or migrating:SHARE"):
        KeyMode.parse(text)
