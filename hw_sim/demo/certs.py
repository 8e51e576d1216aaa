"""A certificate authority for one demo, and what broker, bridge and machine show each other."""

import datetime as dt
import ipaddress
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAYS: Final = 30
_LOOPBACK: Final = ipaddress.ip_address("127.0.0.1")


def make_certificates(folder: Path, *, clients: tuple[str, ...], now: dt.datetime) -> None:
    """Write ca.crt, server.crt/.key for 127.0.0.1 and NAME.crt/.key for each client into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    ca_key, ca = _authority(now)
    _write(folder / "ca.crt", ca.public_bytes(serialization.Encoding.PEM))
    for name in ("server", *clients):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _issue(name, key, authority=(ca_key, ca), now=now)
        _write(folder / f"{name}.crt", certificate.public_bytes(serialization.Encoding.PEM))
        _write(folder / f"{name}.key", _private(key))


def _authority(now: dt.datetime) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("wxvend demo authority")
    builder = _builder(name, name, key, now).add_extension(x509.BasicConstraints(True, 0), critical=True)
    return key, builder.sign(key, hashes.SHA256())


def _issue(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    *,
    authority: tuple[ec.EllipticCurvePrivateKey, x509.Certificate],
    now: dt.datetime,
) -> x509.Certificate:
    ca_key, ca = authority
    builder = _builder(_name(name), ca.subject, key, now)
    builder = builder.add_extension(x509.BasicConstraints(False, None), critical=True)
    if name == "server":
        names = [x509.IPAddress(_LOOPBACK), x509.DNSName("localhost")]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(ca_key, hashes.SHA256())


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: dt.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=_DAYS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
