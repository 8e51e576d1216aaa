"""Settings and key files: what is wrong with them, said without a secret; and openssl as second opinion."""

import base64
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cloud_bridge.wechat.crypto import (
    NotDecrypted,
    decrypt,
    open_sealed,
    read_private_key,
    read_public_key,
    sign,
    verifies,
)
from cloud_bridge.wechat.crypto import (
    seal as seal_member,
)
from cloud_bridge.wechat.key_report import describe_keys
from cloud_bridge.wechat.keys import BadCredentials, load_keys, look
from cloud_bridge.wechat.settings import PlatformPublicKey, WechatSettings
from cloud_bridge.wechat.signing import Request, Stamp, authorization, request_message
from tests.unit.wechat.parties import (
    API_V3_KEY,
    APPID,
    KEY_ID,
    MCHID,
    NOW_S,
    Parties,
    certificate,
    new_key,
    openssl,
    pem,
)

NONCE = "593BEC0C930BF1AFEB40B4A08C8FB242"

# ---------------------------------------------------------------- signatures, with openssl


def test_the_five_lines_of_a_request(parties: Parties) -> None:
    stamp = Stamp(1735689600, NONCE)
    post = Request("POST", "/v3/pay/transactions/native", '{"description":"可乐"}'.encode())
    assert request_message(post, stamp).decode() == (
        f'POST\n/v3/pay/transactions/native\n1735689600\n{NONCE}\n{{"description":"可乐"}}\n'
    )
    get = Request("GET", "/v3/refund/domestic/refunds/R1?a=b")
    assert request_message(get, stamp) == (
        f"GET\n/v3/refund/domestic/refunds/R1?a=b\n1735689600\n{NONCE}\n\n".encode()
    )
    header = authorization(parties.keys, get, stamp)
    signature = sign(parties.merchant, request_message(get, stamp))
    assert header == (
        f'WECHATPAY2-SHA256-RSA2048 mchid="{MCHID}",nonce_str="{NONCE}",signature="{signature}",'
        'timestamp="1735689600",serial_no="BE6DCDA7A5931FA0"'
    )


def test_openssl_verifies_what_we_sign(parties: Parties, tmp_path: Path) -> None:
    (tmp_path / "public.pem").write_bytes(pem(parties.merchant.public_key()))
    message = "可乐\n\n".encode()
    (tmp_path / "signature").write_bytes(base64.b64decode(sign(parties.merchant, message)))
    check = ("-verify", str(tmp_path / "public.pem"), "-signature", str(tmp_path / "signature"))
    assert openssl("dgst", "-sha256", *check, data=message) == b"Verified OK\n"


def test_openssl_opens_what_we_seal_and_we_open_what_it_seals(parties: Parties, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(pem(parties.merchant))
    oaep = ("-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha1")
    sealed = base64.b64decode(seal_member(parties.merchant.public_key(), "张三 6222"))
    assert openssl("pkeyutl", "-decrypt", "-inkey", str(key), *oaep, data=sealed).decode() == "张三 6222"
    theirs = openssl("pkeyutl", "-encrypt", "-inkey", str(key), *oaep, data="李四".encode())
    assert open_sealed(parties.merchant, base64.b64encode(theirs).decode()) == "李四"
    with pytest.raises(NotDecrypted):
        open_sealed(parties.by_certificate, base64.b64encode(theirs).decode())


def test_we_verify_what_openssl_signs(tmp_path: Path) -> None:
    openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(tmp_path / "key"))
    public = read_public_key(openssl("pkey", "-in", str(tmp_path / "key"), "-pubout"))
    message = b"1780000000\nEcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz\n{}\n"
    raw = openssl("dgst", "-sha256", "-sign", str(tmp_path / "key"), data=message)
    assert verifies(public, message, base64.b64encode(raw).decode())
    assert not verifies(public, message + b" ", base64.b64encode(raw).decode())
    pss = ("-sigopt", "rsa_padding_mode:pss")
    raw = openssl("dgst", "-sha256", *pss, "-sign", str(tmp_path / "key"), data=message)
    assert not verifies(public, message, base64.b64encode(raw).decode())
    raw = openssl("dgst", "-sha1", "-sign", str(tmp_path / "key"), data=message)
    assert not verifies(public, message, base64.b64encode(raw).decode())
    assert read_private_key((tmp_path / "key").read_bytes()).public_key() == public
    old = openssl("rsa", "-traditional", "-in", str(tmp_path / "key"))  # a PKCS#1 file is as good
    assert b"BEGIN RSA PRIVATE KEY" in old
    assert read_private_key(old).public_key() == public


# ---------------------------------------------------------------- AES-GCM, by another way


def _times(x: int, y: int) -> int:
    """The product in GCM's field."""
    product = 0
    for bit in range(127, -1, -1):
        if y >> bit & 1:
            product ^= x
        x = x >> 1 ^ (0xE1 << 120 if x & 1 else 0)
    return product


def seal(key: bytes, nonce: bytes, plain: bytes, named: bytes) -> bytes:
    """AES-256-GCM from openssl's AES-CTR and our own GHASH, after the standard and no library."""
    secret = ("-K", key.hex())
    block = ("enc", "-aes-256-ecb", "-nopad", *secret)
    hashed_by = int.from_bytes(openssl(*block, data=bytes(16)))
    mask = int.from_bytes(openssl(*block, data=nonce + b"\0\0\0\1"))
    iv = ("-iv", (nonce + b"\0\0\0\2").hex())
    sealed = openssl("enc", "-aes-256-ctr", *secret, *iv, data=plain)
    padded = [part + bytes(-len(part) % 16) for part in (named, sealed)]
    lengths = (len(named) * 8).to_bytes(8) + (len(sealed) * 8).to_bytes(8)
    tag, whole = 0, b"".join(padded) + lengths
    for at in range(0, len(whole), 16):
        tag = _times(hashed_by, tag ^ int.from_bytes(whole[at : at + 16]))
    return sealed + (tag ^ mask).to_bytes(16)


@pytest.mark.parametrize(("length", "named"), [(0, ""), (1, "refund"), (16, ""), (700, "transaction")])
def test_we_open_what_was_sealed_by_other_means(length: int, named: str) -> None:
    plain = random.Random(length).randbytes(length)
    sealed = seal(API_V3_KEY.encode(), b"q1w2e3r4t5y6", plain, named.encode())

    def opened(ciphertext: bytes) -> bytes:
        text = base64.b64encode(ciphertext).decode()
        nonce = "q1w2e3r4t5y6"
        return decrypt(API_V3_KEY.encode(), nonce=nonce, associated_data=named, ciphertext=text)

    assert opened(sealed) == plain
    with pytest.raises(NotDecrypted):
        opened(sealed[:-1] + bytes([sealed[-1] ^ 1]))


# ---------------------------------------------------------------- settings


def test_every_wrong_setting_is_named_at_once(parties: Parties) -> None:
    with pytest.raises(ValueError) as wrong:
        replace(
            parties.settings,
            mchid="190000010x",
            appid="wxd678",
            merchant_serial="PUB_KEY_ID_1",
            base_url="https://api.mch.weixin.qq.com/v3",
            notify_url="https://pay.example.com/n?x=1",
            terminal_ip="here",
            platform_public_keys=(),
            platform_certificate_files=(),
        )
    said = str(wrong.value)
    for name in ("mchid", "appid", "merchant_serial", "base_url", "notify_url", "terminal_ip"):
        assert f"{name}: found " in said
    assert "found none; allowed is one key or more" in said


@pytest.mark.parametrize(
    "changes",
    [
        {"base_url": "http://api.mch.weixin.qq.com"},
        {"notify_url": "http://pay.example.com/n"},
        {"notify_url": "https://localhost/n"},
        {"notify_url": "https://192.168.1.7/n"},
        {"notify_url": "https://127.0.0.1/n"},
        {"notify_url": "https://pay.example.com"},
        {"notify_url": "https://pay.example.com/n#x"},
        {"notify_url": "https://pay.example.com/" + "x" * 256},
        {"proxy_url": "socks5://user:canary@10.0.0.1"},
        {"platform_public_keys": (PlatformPublicKey(id=KEY_ID, file=Path("a")),) * 2},
    ],
)
def test_a_real_platform_is_reached_and_reaches_us_by_tls_only(
    parties: Parties, changes: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"found .*; allowed ") as wrong:
        replace(parties.settings, **changes)
    assert "canary" not in str(wrong.value)


def test_a_simulated_platform_may_be_on_loopback(parties: Parties) -> None:
    here = parties.at("http://127.0.0.1:8081")
    assert here.notify_url.startswith("http://127.0.0.1")


@pytest.mark.parametrize("name", ["", "PUB_KEY_ID_", "PUB_KEY_ID_12x", "5DEA10EF55877E3CF6C33255C2E7DEFF"])
def test_a_public_key_has_the_id_of_the_console(name: str) -> None:
    with pytest.raises(ValueError, match="allowed is PUB_KEY_ID_ followed by digits"):
        PlatformPublicKey(id=name, file=Path("key.pem"))


# ---------------------------------------------------------------- key files


def test_a_sound_set_of_files_is_described(parties: Parties) -> None:
    report = describe_keys(parties.settings, now_s=NOW_S)
    assert report.mistakes == ()
    assert [line.rpartition("/")[2] for line in report.lines] == [
        "merchant.pem: RSA private key of 2048 bits; signs our calls under serial BE6DCDA7A5931FA0",
        "api_v3.key: 32 characters; opens notifications",
        f"public_key.pem: WeChat Pay's public key {KEY_ID}, 2048 bits",
        f"certificate.pem: the platform's certificate {parties.serial}, 2048 bits, ends 2031-04-27",
        "merchant_certificate.pem: the merchant's certificate "
        "000000000000000000000000BE6DCDA7A5931FA0, 2048 bits, ends 2031-04-27",
    ]


def swapped(settings: WechatSettings, name: str, file: Path) -> WechatSettings:
    changes: dict[str, Any] = {name: file}
    if name == "platform_public_keys":
        changes[name] = (PlatformPublicKey(id=KEY_ID, file=file),)
    elif name == "platform_certificate_files":
        changes[name] = (file,)
    return replace(settings, **changes)


@pytest.mark.parametrize(
    ("name", "file", "said"),
    [
        ("merchant_private_key_file", "merchant_certificate.pem", "found CERTIFICATE"),
        ("merchant_private_key_file", "public_key.pem", "found PUBLIC KEY"),
        ("merchant_private_key_file", "api_v3.key", "found no PEM"),
        ("merchant_private_key_file", "locked.pem", "found ENCRYPTED PRIVATE KEY"),
        ("merchant_private_key_file", "short.pem", "found another kind or size of private key"),
        ("merchant_private_key_file", "none.pem", "No such file or directory"),
        ("api_v3_key_file", "merchant.pem", "allowed are exactly 32 letters and digits"),
        ("api_v3_key_file", "short.key", "found 31 bytes"),
        ("platform_public_keys", "certificate.pem", "found CERTIFICATE"),
        ("platform_public_keys", "merchant.pem", "found PRIVATE KEY"),
        ("platform_public_keys", "elliptic.pem", "found another kind or size of public key"),
        ("platform_public_keys", "own_public.pem", "found the merchant's own key"),
        ("platform_certificate_files", "merchant_certificate.pem", "found the merchant's own key"),
        ("platform_certificate_files", "public_key.pem", "found PUBLIC KEY"),
        ("platform_certificate_files", "cut.pem", "found CERTIFICATE, damaged"),
        ("platform_certificate_files", "old.pem", "found validity from 2026-04-28 to 2026-05-08"),
        ("merchant_certificate_file", "certificate.pem", "merchant_serial is BE6DCDA7A5931FA0"),
        ("merchant_certificate_file", "other.pem", "the certificate of another key"),
    ],
)
def test_each_file_in_the_wrong_place_is_named_with_what_it_is(
    parties: Parties, misfits: Path, name: str, file: str, said: str
) -> None:
    where = misfits / file if (misfits / file).exists() else parties.folder / file
    mistakes = describe_keys(swapped(parties.settings, name, where), now_s=NOW_S).mistakes
    assert any(said in line and (name in line or file in line) for line in mistakes), mistakes
    assert all(_secret(parties) not in line and API_V3_KEY not in line for line in mistakes)


@pytest.fixture(scope="module")
def misfits(parties: Parties, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("misfits")
    locked = openssl("pkcs8", "-topk8", "-passout", "pass:x", data=pem(parties.merchant))
    elliptic = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    files = {
        "locked.pem": locked,
        "short.pem": pem(new_key(1024)),
        "short.key": API_V3_KEY[:31].encode(),
        "elliptic.pem": openssl("pkey", "-pubout", data=elliptic),
        "own_public.pem": pem(parties.merchant.public_key()),
        "cut.pem": pem(certificate(parties.by_certificate, "p", 5))[:300],
        "old.pem": pem(certificate(parties.by_certificate, "p", 5, days=10)),
        "other.pem": pem(certificate(parties.by_certificate, MCHID, 0xBE6DCDA7A5931FA0)),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def _secret(parties: Parties) -> str:
    return pem(parties.merchant).decode().splitlines()[5]


def test_keys_are_loaded_whole_or_not_at_all(parties: Parties) -> None:
    settings = replace(
        parties.settings,
        merchant_private_key_file=parties.folder / "none.pem",
        api_v3_key_file=parties.folder / "merchant.pem",
    )
    with pytest.raises(BadCredentials) as bad:
        load_keys(settings)
    assert len(bad.value.mistakes) == 2
    assert _secret(parties) not in str(bad.value)


def test_a_certificate_near_its_end_is_called_so(parties: Parties) -> None:
    year_s = 365 * 24 * 3600
    lines = describe_keys(parties.settings, now_s=NOW_S + 5 * year_s - 80 * 24 * 3600).lines
    assert [line.endswith("SOON") for line in lines] == [False, False, False, True, True]


def test_files_are_read_once(parties: Parties, tmp_path: Path) -> None:
    copy = tmp_path / "merchant.pem"
    copy.write_bytes((parties.folder / "merchant.pem").read_bytes())
    keys = load_keys(replace(parties.settings, merchant_private_key_file=copy))
    copy.unlink()
    assert authorization(keys, Request("GET", "/"), Stamp(1, NONCE)).startswith("WECHATPAY2-")


def test_nothing_that_holds_a_secret_shows_it(parties: Parties) -> None:
    settings = replace(parties.settings, proxy_url="http://user:canary@proxy:3128")
    shown = [
        repr(each) + str(each)
        for each in (settings, parties.keys, look(settings), *settings.platform_public_keys)
    ]
    assert APPID in shown[0]
    for secret in (API_V3_KEY, _secret(parties), "canary"):
        assert secret not in "".join(shown)
