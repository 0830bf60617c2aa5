"""The development key: it signs tokens for an installation on this machine.

Made when the installation starts first. The services only read the public half, `jwks.json`.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from deploy.cli.errors import CliError

_PRIVATE = "private.jwk.json"
_PUBLIC = "jwks.json"
_SECRET_MEMBERS = frozenset({"d", "key_ops"})


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 private key and the name by which services know its public half."""

    key_id: str
    private: Ed25519PrivateKey


def ensure_keys(folder: Path) -> None:
    """Makes the key if there is none, readable by its owner alone, and the public half beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    private = folder / _PRIVATE
    if not private.exists():
        jwk: dict[str, str] = json.loads(OKPAlgorithm.to_jwk(Ed25519PrivateKey.generate()))
        _replace(private, {**jwk, "kid": _thumbprint(jwk), "use": "sig", "alg": "EdDSA"}, mode=0o600)
    known: dict[str, str] = json.loads(private.read_text())
    public = {name: value for name, value in known.items() if name not in _SECRET_MEMBERS}
    _replace(folder / _PUBLIC, {"keys": [public]}, mode=0o644)


def signing_key(folder: Path) -> SigningKey:
    """The key of an installation. Raises CliError where there is none."""
    file = folder / _PRIVATE
    try:
        known: dict[str, str] = json.loads(file.read_text())
        private = jwt.PyJWK.from_dict(known).key
    except FileNotFoundError:
        raise CliError(
            f"There is no key in {folder}: start the installation once with `make run`, or set WAYPOST_TOKEN."
        ) from None
    except (OSError, ValueError, jwt.PyJWTError) as error:
        raise CliError(f"The key {file} cannot be read: {error}.") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise CliError(f"The key {file} is not an Ed25519 private key.")
    return SigningKey(known.get("kid", ""), private)


def _thumbprint(jwk: dict[str, str]) -> str:
    """RFC 7638, section 3: the same key always has the same name."""
    needed = json.dumps({name: jwk[name] for name in ("crv", "kty", "x")}, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(needed.encode()).digest()).decode().rstrip("=")


def _replace(file: Path, content: object, *, mode: int) -> None:
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=mode)
    new.write_text(json.dumps(content, indent=2))
    new.replace(file)
