"""The tests' own token issuer."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY = Ed25519PrivateKey.generate()


def write_jwks(path: Path) -> Path:
    """The public key as a JWKS file."""
    public = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(KEY.public_key()))
    path.write_text(json.dumps({"keys": [{**public, "kid": "tests", "use": "sig", "alg": "EdDSA"}]}))
    return path


def token(workspace_id: str, *scopes: str, subject: str = "tests", **claims: object) -> str:
    """A token for an hour; `admin` where no scope is named."""
    return jwt.encode(
        {
            "iss": "waypost",
            "aud": "waypost",
            "sub": subject,
            "workspace": workspace_id,
            "scope": " ".join(scopes or ("admin",)),
            "exp": datetime.now(UTC) + timedelta(hours=1),
            **claims,
        },
        KEY,
        algorithm="EdDSA",
        headers={"kid": "tests"},
    )
