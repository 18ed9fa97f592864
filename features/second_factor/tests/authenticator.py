"""An authenticator in software: passkeys that sign what they are asked to, or something else."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from secrets import token_bytes
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

UP, UV, AT = 0x01, 0x04, 0x40  # user present, user verified, a credential stands in it


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


@dataclass
class Authenticator:
    """One passkey; `options` are what the API gave."""

    origin: str = "http://localhost:8000"
    rp_id: str = "localhost"
    counts: bool = True
    credential_id: bytes = field(default_factory=lambda: token_bytes(16))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    count: int = 0
    handle: bytes = b""
    padding: bytes = b""

    def make(self, options: dict[str, Any], flags: int = UP | UV) -> dict[str, Any]:
        """What `navigator.credentials.create()` gives, in JSON."""
        asked = options["publicKey"]
        self.handle = raw(asked["user"]["id"])
        client_data = self._client_data("webauthn.create", asked["challenge"])
        numbers = self.key.public_key().public_numbers()
        cose: dict[int, Any] = {
            1: 2,
            3: -7,
            -1: 1,
            -2: numbers.x.to_bytes(32),
            -3: numbers.y.to_bytes(32),
        }
        cose |= {-70001: self.padding} if self.padding else {}
        key = len(self.credential_id).to_bytes(2) + self.credential_id + cbor2.dumps(cose)
        data = self._data(flags | AT) + bytes(16) + key
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._credential(clientDataJSON=client_data, attestationObject=attestation)

    def sign(self, options: dict[str, Any], flags: int = UP | UV, **said: Any) -> dict[str, Any]:
        """What `navigator.credentials.get()` gives, in JSON; `said` is put into its client data."""
        if self.counts:
            self.count += 1
        challenge = options["publicKey"]["challenge"]
        client_data = self._client_data("webauthn.get", challenge, **said)
        data = self._data(flags)
        signed = data + hashlib.sha256(client_data).digest()
        signature = self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        return self._credential(
            clientDataJSON=client_data,
            authenticatorData=data,
            signature=signature,
            userHandle=self.handle,
        )

    def _client_data(self, kind: str, asked: str, **said: Any) -> bytes:
        values = {"type": kind, "challenge": asked, "origin": self.origin, **said}
        return json.dumps({"crossOrigin": False, **values}).encode()

    def _data(self, flags: int) -> bytes:
        rp = hashlib.sha256(self.rp_id.encode()).digest()
        return rp + bytes([flags]) + self.count.to_bytes(4)

    def _credential(self, **response: bytes) -> dict[str, Any]:
        return {
            "id": b64(self.credential_id),
            "rawId": b64(self.credential_id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {name: b64(value) for name, value in response.items()},
        }
