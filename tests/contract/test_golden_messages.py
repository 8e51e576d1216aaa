"""Version 1 as it was published: the bytes of each message, what is signed, and the signature.

A difference here is a change that machines in the field will not understand. Members may be added with a
default, as a new kind of golden file; nothing that stands in one may change.
"""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.unit.wire.samples import MACHINE, MESSAGES, bridge_signer, key, machine_signer
from wire.codec import KINDS, address, decode, encode
from wire.envelope import Envelope, PrivateKey, Signer, save_public, signing_input
from wire.inbound import Inbound
from wire.messages import Message
from wire.topics import Branch

GOLDEN: Final = Path(__file__).parent / "golden"


def signer_of(message: Message) -> Signer:
    return machine_signer() if address(MACHINE, message).branch is Branch.UP else bridge_signer()


def name_of(message: Message) -> str:
    topic = address(MACHINE, message)
    return f"{topic.branch}.{topic.kind}"


@pytest.fixture(params=MESSAGES, ids=name_of)
def message(request: pytest.FixtureRequest) -> Message:
    found: Message = request.param
    return found


def golden(message: Message) -> dict[str, str]:
    found: dict[str, str] = json.loads((GOLDEN / f"{name_of(message)}.json").read_text("utf-8"))
    return found


def test_each_kind_has_a_golden_message() -> None:
    kinds = {f"{branch}.{kind}" for branch, kinds in KINDS.items() for kind in kinds}
    assert {name_of(message) for message in MESSAGES} == kinds
    assert {path.stem for path in GOLDEN.glob("*.json")} == kinds


def test_a_message_is_written_as_it_was_published(message: Message) -> None:
    assert encode(message).decode("utf-8") == golden(message)["payload"]


def test_a_published_message_is_still_understood(message: Message) -> None:
    assert decode(address(MACHINE, message), golden(message)["payload"].encode("utf-8")) == message


def test_a_message_travels_where_it_was_published(message: Message) -> None:
    assert str(address(MACHINE, message)) == golden(message)["topic"]


def test_what_is_signed_and_the_signature_stay_the_same(message: Message) -> None:
    topic = address(MACHINE, message)
    payload = golden(message)["payload"].encode("utf-8")
    assert signing_input(topic, payload).hex() == golden(message)["signing_input"]
    envelope = signer_of(message).sign(topic, payload)
    assert envelope.key_id == golden(message)["kid"]
    assert envelope.signature == golden(message)["sig"]


def test_openssl_agrees_with_a_golden_signature(message: Message, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        assert os.environ.get("CI") != "true", "openssl is missing; try: apt-get install openssl"
        pytest.skip("openssl is not installed")
    private: PrivateKey = signer_of(message).private_key
    save_public(tmp_path / "key.pem", private.public_key())
    (tmp_path / "input").write_bytes(bytes.fromhex(golden(message)["signing_input"]))
    (tmp_path / "sig").write_bytes(base64.b64decode(golden(message)["sig"]))
    command = [openssl, "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin"]
    done = subprocess.run(
        [*command, "-in", "input", "-sigfile", "sig"], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_golden_signature_is_of_the_test_keys_and_no_other(message: Message) -> None:
    payload = golden(message)["payload"].encode("utf-8")
    other = Signer("other", key(99)).sign(address(MACHINE, message), payload)
    assert other.signature != golden(message)["sig"]


def test_the_envelope_travels_as_two_user_properties() -> None:
    inbound = Inbound(topic="t", payload=b"", user_properties=Envelope("k", "s").user_properties)
    assert inbound.user_properties == (("kid", "k"), ("sig", "s"))
