"""An authority of the tests, and certificates for 127.0.0.1."""
import datetime
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
LOOPBACK = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


def pem_of(key, *certificates):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()) + b"".join(
            c.public_bytes(serialization.Encoding.PEM) for c in certificates)


def self_signed(pem, days=(-10, 10)):
    """A certificate, PEM, for the private key in `pem`: it vouches for
    nothing, but holds the public key."""
    key = serialization.load_pem_private_key(pem, None)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "self")])
    now = datetime.datetime.utcnow()
    edwards = isinstance(key, (ed25519.Ed25519PrivateKey,
                               ed448.Ed448PrivateKey))
    return x509.CertificateBuilder(
        issuer_name=name, subject_name=name, public_key=key.public_key(),
        serial_number=1, not_valid_before=now + days[0] * DAY,
        not_valid_after=now + days[1] * DAY).sign(
            key, None if edwards else hashes.SHA256()).public_bytes(
                serialization.Encoding.PEM).decode()


class Authority:
    """Signs certificates; its own is in `path`."""

    def __init__(self, folder, name="authority"):
        self.folder = Path(folder)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(self.name, self.key.public_key(),
                                      x509.BasicConstraints(True, None))
        self.path = self.folder / f"{name}.pem"
        self.path.write_bytes(self.certificate.public_bytes(
            serialization.Encoding.PEM))
        for path in (self.folder, self.path):
            path.chmod(path.stat().st_mode | 0o055)

    def _sign(self, subject, key, *extensions, days=(-10, 10)):
        now = datetime.datetime.utcnow()
        builder = x509.CertificateBuilder(
            issuer_name=self.name, subject_name=subject, public_key=key,
            serial_number=x509.random_serial_number(),
            not_valid_before=now + days[0] * DAY,
            not_valid_after=now + days[1] * DAY)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, name=LOOPBACK, days=(-10, 10)):
        """The path of a PEM file with key and certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "s")])
        certificate = self._sign(subject, key.public_key(),
                                 x509.SubjectAlternativeName([name]),
                                 days=days)
        path = self.folder / f"{certificate.serial_number}.pem"
        path.write_bytes(pem_of(key, certificate))
        return path

    def context(self, **how):
        """For a server with a certificate of this authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.issue(**how))
        return context
