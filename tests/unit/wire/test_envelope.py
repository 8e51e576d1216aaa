"""Who may say what: every way in which a message can be somebody else's is refused by its own name."""

import base64
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wire.samples import (
    BRIDGE_SEED,
    MACHINE,
    NEXT_BRIDGE_SEED,
    OTHER_MACHINE_SEED,
    SALE,
    bridge_keyring,
    bridge_signer,
    edge_keyring,
    key,
    machine_signer,
    public,
)
from wire.codec import encode
from wire.envelope import (
    BadKeyFile,
    Envelope,
    Keyring,
    PrivateKey,
    Signer,
    generate,
    key_id,
    load_private,
    load_public,
    save_private,
    save_public,
    signing_input,
)
from wire.inbound import Inbound, Refusal, Refused
from wire.messages import SaleQuery
from wire.topics import LIMIT_BYTES, Branch, Topic

QUERY = Topic(MACHINE, Branch.DOWN, "sale.query")
STATUS = Topic(MACHINE, Branch.UP, "sale.status")
CATALOGUE = Topic(MACHINE, Branch.SET, "catalogue")
PAYLOAD = encode(SaleQuery(sale_id=SALE))
# RFC 8032 makes a signature a function of key and input: these bytes are for ever.
GOLDEN = "HVUgR2eodae/YRu+BncjKpJeU4MG2a/WFJocA5BRZbYy9gCmd2Iym/u6ciO21iG0qVbBkbQqpOAnPBx4bB7NAw=="


def good(*, topic: Topic = QUERY, payload: bytes = PAYLOAD, signer: Signer | None = None) -> Inbound:
    """A message of the bridge to our machine, as it should be."""
    envelope = (signer or bridge_signer()).sign(topic, payload)
    return Inbound(topic=str(topic), payload=payload, user_properties=envelope.user_properties)


def signed(kid: str, sig: str) -> tuple[tuple[str, str], ...]:
    return Envelope(kid, sig).user_properties


def refusal(keyring: Keyring, inbound: Inbound) -> Refusal:
    with pytest.raises(Refused) as refused:
        keyring.open_(inbound)
    return refused.value.reason


def test_a_good_message_is_its_topic_and_its_exact_bytes() -> None:
    verified = edge_keyring().open_(good())
    assert (verified.topic, verified.payload) == (QUERY, PAYLOAD)


def test_what_is_signed_is_domain_topic_and_payload_with_nothing_in_between_to_move() -> None:
    assert signing_input(QUERY, b"{}") == b"wxvend/v1/down\0wxvend/v1/cafe-07/down/sale.query\0{}"
    with pytest.raises(ValueError, match="allowed a topic below up/, down/ or set/"):
        signing_input(Topic(MACHINE, Branch.STATE, "presence"), b"{}")


def test_the_signature_of_a_fixed_key_is_these_bytes() -> None:
    assert bridge_signer().sign(QUERY, PAYLOAD) == Envelope("bridge-1", GOLDEN)


def test_during_a_rotation_both_keys_of_the_bridge_are_heard() -> None:
    following = Signer("bridge-2", key(NEXT_BRIDGE_SEED))
    assert edge_keyring().open_(good(signer=following)).topic == QUERY


def test_an_extra_user_property_is_nobodys_business() -> None:
    inbound = good()
    more = replace(inbound, user_properties=(("trace", "7"), *inbound.user_properties))
    assert edge_keyring().open_(more).payload == PAYLOAD


def test_only_desired_state_may_have_been_kept_by_the_broker() -> None:
    kept = replace(good(topic=CATALOGUE, payload=b"{}"), retained=True)
    assert edge_keyring().open_(kept).topic == CATALOGUE
    assert refusal(edge_keyring(), replace(good(), retained=True)) is Refusal.RETAINED


WITHOUT_PADDING = GOLDEN.rstrip("=")
HALF = GOLDEN[: len(GOLDEN) // 2]
# The last character before `==` carries four bits that mean nothing: another one decodes to the same bytes.
TWIN = GOLDEN[:-3] + chr(ord(GOLDEN[-3]) + 1) + "=="


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda it: replace(it, user_properties=()), Refusal.UNSIGNED),
        (lambda it: replace(it, user_properties=(("kid", "bridge-1"),)), Refusal.UNSIGNED),
        (lambda it: replace(it, user_properties=(("sig", GOLDEN),)), Refusal.UNSIGNED),
        (lambda it: replace(it, user_properties=it.user_properties * 2), Refusal.TWO_SIGNATURES),
        (
            lambda it: replace(it, user_properties=(*it.user_properties, ("sig", GOLDEN))),
            Refusal.TWO_SIGNATURES,
        ),
        (
            lambda it: replace(it, user_properties=(*it.user_properties, ("kid", "bridge-2"))),
            Refusal.TWO_SIGNATURES,
        ),
        (lambda it: replace(it, user_properties=signed("bridge-9", GOLDEN)), Refusal.UNKNOWN_KEY),
        (lambda it: replace(it, user_properties=signed("", GOLDEN)), Refusal.UNKNOWN_KEY),
        (lambda it: replace(it, user_properties=signed("bridge-2", GOLDEN)), Refusal.BAD_SIGNATURE),
        (lambda it: replace(it, user_properties=signed("bridge-1", "")), Refusal.BAD_SIGNATURE),
        (lambda it: replace(it, user_properties=signed("bridge-1", HALF)), Refusal.BAD_SIGNATURE),
        (lambda it: replace(it, user_properties=signed("bridge-1", WITHOUT_PADDING)), Refusal.BAD_SIGNATURE),
        (lambda it: replace(it, user_properties=signed("bridge-1", TWIN)), Refusal.BAD_SIGNATURE),
        (lambda it: replace(it, user_properties=signed("bridge-1", GOLDEN + "\n")), Refusal.BAD_SIGNATURE),
        (lambda it: replace(it, user_properties=signed("bridge-1", "ä" * 88)), Refusal.BAD_SIGNATURE),
        (lambda it: replace(it, payload=it.payload + b" "), Refusal.BAD_SIGNATURE),
        (lambda it: replace(it, payload=b""), Refusal.BAD_SIGNATURE),
        (lambda it: replace(it, topic=f"wxvend/v1/{MACHINE}/down/sale.paid"), Refusal.BAD_SIGNATURE),
        (lambda it: replace(it, topic=f"wxvend/v1/{MACHINE}/set/sale.query"), Refusal.BAD_SIGNATURE),
        (lambda it: replace(it, topic="wxvend/v1/cafe-08/down/sale.query"), Refusal.FOREIGN),
        (lambda it: replace(it, topic=f"wxvend/v1/{MACHINE}/up/sale.query"), Refusal.FOREIGN),
        (lambda it: replace(it, topic=f"wxvend/v1/{MACHINE}/state/presence"), Refusal.BAD_TOPIC),
        (lambda it: replace(it, topic=f"wxvend/v2/{MACHINE}/down/sale.query"), Refusal.BAD_TOPIC),
        (lambda it: replace(it, topic=""), Refusal.BAD_TOPIC),
        (lambda it: replace(it, payload=b" " * (LIMIT_BYTES[Branch.DOWN] + 1)), Refusal.OVERSIZE),
    ],
)
def test_a_message_that_is_not_as_it_was_signed_is_refused_by_name(
    change: Callable[[Inbound], Inbound], reason: Refusal
) -> None:
    assert refusal(edge_keyring(), change(good())) is reason


def test_the_twin_of_a_signature_has_its_very_bytes() -> None:
    assert base64.b64decode(TWIN) == base64.b64decode(GOLDEN)


@pytest.mark.parametrize(
    ("topic", "seed", "name", "reason"),
    [
        (STATUS, OTHER_MACHINE_SEED, "cafe-08-1", Refusal.FOREIGN),  # another machine's true key
        (STATUS, OTHER_MACHINE_SEED, "cafe-07-1", Refusal.BAD_SIGNATURE),  # under our machine's name
        (STATUS, BRIDGE_SEED, "bridge-1", Refusal.UNKNOWN_KEY),
        (Topic("cafe-09", Branch.UP, "sale.status"), OTHER_MACHINE_SEED, "cafe-08-1", Refusal.FOREIGN),
        (QUERY, OTHER_MACHINE_SEED, "cafe-08-1", Refusal.FOREIGN),  # a machine never speaks as the bridge
    ],
)
def test_a_machine_speaks_for_itself_and_for_nobody_else(
    topic: Topic, seed: int, name: str, reason: Refusal
) -> None:
    assert bridge_keyring().open_(good(topic=STATUS, signer=machine_signer())).topic == STATUS
    assert refusal(bridge_keyring(), good(topic=topic, signer=Signer(name, key(seed)))) is reason


def test_a_signature_of_another_branch_is_of_another_domain() -> None:
    # The same topic text under another domain tag: what a second program of ours might have signed.
    loose = b"\0".join((b"wxvend/v1/set", str(QUERY).encode(), PAYLOAD))
    signature = base64.b64encode(key(BRIDGE_SEED).sign(loose)).decode()
    moved = replace(good(), user_properties=signed("bridge-1", signature))
    assert refusal(edge_keyring(), moved) is Refusal.BAD_SIGNATURE


@pytest.mark.parametrize("count", [0, 3])
def test_a_machine_knows_one_key_of_the_bridge_or_two(count: int) -> None:
    with pytest.raises(ValueError, match=f"found {count}, allowed 1 or 2"):
        Keyring.of_edge(MACHINE, {str(each): public(each) for each in range(1, count + 1)})


@given(st.data())
def test_any_change_of_one_byte_is_noticed(data: st.DataObject) -> None:
    inbound = good()
    at = data.draw(st.integers(0, len(PAYLOAD) - 1))
    flipped = bytearray(PAYLOAD)
    flipped[at] ^= data.draw(st.integers(1, 255))
    assert refusal(edge_keyring(), replace(inbound, payload=bytes(flipped))) is Refusal.BAD_SIGNATURE


@given(st.text(max_size=80), st.binary(max_size=80), st.lists(st.tuples(st.text(), st.text()), max_size=4))
def test_anything_else_is_refused_and_never_more(
    topic: str, payload: bytes, properties: list[tuple[str, str]]
) -> None:
    with pytest.raises(Refused) as refused:
        edge_keyring().open_(Inbound(topic=topic, payload=payload, user_properties=tuple(properties)))
    assert refused.value.reason in Refusal


# ---------------------------------------------------------------- key files


def test_a_key_is_named_after_itself_and_comes_back_from_its_file(tmp_path: Path) -> None:
    private = key(7)
    save_private(tmp_path / "k", private)
    save_public(tmp_path / "k.pub", private.public_key())
    assert (tmp_path / "k").stat().st_mode & 0o777 == 0o600
    assert key_id(load_private(tmp_path / "k").public_key()) == key_id(load_public(tmp_path / "k.pub"))
    assert len(key_id(private.public_key())) == 16


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    save_private(tmp_path / "k", key(7))
    with pytest.raises(FileExistsError):
        save_private(tmp_path / "k", key(8))
    assert key_id(load_private(tmp_path / "k").public_key()) == key_id(public(7))


def wrong_private(tmp_path: Path, content: bytes) -> str:
    path = tmp_path / "wrong.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(BadKeyFile) as bad:
        load_private(path)
    return str(bad.value)


def test_a_wrong_private_key_file_is_named_with_what_it_is(tmp_path: Path, openssl: str) -> None:
    def made(*arguments: str) -> bytes:
        return subprocess.run([openssl, *arguments], check=True, capture_output=True).stdout

    rsa = made("genrsa", "2048")
    locked = made("genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:x")
    assert "a private key of another kind" in wrong_private(tmp_path, rsa)
    assert "found a key with a pass phrase" in wrong_private(tmp_path, locked)
    assert "found an empty file" in wrong_private(tmp_path, b"")
    assert "found no PEM" in wrong_private(tmp_path, b"\x30\x2e")
    save_public(tmp_path / "p", public(7))
    assert "found PUBLIC KEY, allowed an Ed25519 private key" in wrong_private(
        tmp_path, (tmp_path / "p").read_bytes()
    )


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    save_private(tmp_path / "k", key(7))
    for mode in (0o640, 0o604, 0o666):
        (tmp_path / "k").chmod(mode)
        with pytest.raises(BadKeyFile, match=f"found mode {mode:04o}, allowed 0600 or 0400"):
            load_private(tmp_path / "k")
    (tmp_path / "k").chmod(0o400)
    load_private(tmp_path / "k")


def test_a_credential_of_systemd_may_show_its_access_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_private(tmp_path / "k", key(7))
    (tmp_path / "k").chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    load_private(tmp_path / "k")
    (tmp_path / "k").chmod(0o444)
    with pytest.raises(BadKeyFile, match="found mode 0444"):
        load_private(tmp_path / "k")


def test_a_missing_key_file_says_so(tmp_path: Path) -> None:
    for load in (load_private, load_public):
        with pytest.raises(BadKeyFile, match="No such file or directory, allowed a readable key file"):
            load(tmp_path / "nowhere")


def test_a_private_key_in_the_place_of_a_public_one_is_named(tmp_path: Path) -> None:
    save_private(tmp_path / "k", key(7))
    with pytest.raises(BadKeyFile, match="found PRIVATE KEY, allowed an Ed25519 public key"):
        load_public(tmp_path / "k")


def test_openssl_makes_keys_that_we_read_and_reads_keys_that_we_make(tmp_path: Path, openssl: str) -> None:
    theirs = tmp_path / "theirs"
    subprocess.run([openssl, "genpkey", "-algorithm", "ed25519", "-out", theirs], check=True)
    theirs.chmod(0o600)
    ours = load_private(theirs)
    public_pem = subprocess.run([openssl, "pkey", "-in", theirs, "-pubout"], check=True, capture_output=True)
    save_public(tmp_path / "ours.pub", ours.public_key())
    assert (tmp_path / "ours.pub").read_bytes() == public_pem.stdout


def test_two_made_keys_differ_and_no_secret_is_in_a_repr() -> None:
    first, second = generate(), generate()
    assert key_id(first.public_key()) != key_id(second.public_key())
    assert isinstance(first, PrivateKey)
    assert "private" not in repr(Signer("a", first)).lower()
    assert PAYLOAD.decode() not in repr(good())
