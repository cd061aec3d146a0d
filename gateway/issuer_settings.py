"""How an issuer of callers' tokens is configured: one table of `gateway.toml` (docs/emetteurs/). Knows no token."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, HttpUrl, PositiveInt, StringConstraints, model_validator

from gateway.toml_file import StrictModel

Claim = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]
Algorithm = Literal["RS256", "PS256", "ES256", "EdDSA", "Ed25519"]
# What an issuer does otherwise than RFC 9068 (docs/emetteurs/): each key stands for those that the file does not give.
SHAPES: Mapping[str, Mapping[str, Any]] = {
    "keycloak": {"types": ("JWT", "at+jwt"), "client": "azp"},
    "entra": {"types": ("JWT",), "client": "azp", "compte": "oid", "vie_max_secondes": 5_700},
}


class IntrospectionSettings(StrictModel):
    """Where an issuer is asked about a token (RFC 7662), and as whom: `secret` names an environment variable. `url`: else
    what the issuer publishes. `reponse`: plain, or a JWT that the issuer signs, or encrypts for our own key too (RFC 9701)."""

    client: Annotated[str, StringConstraints(min_length=1)]
    secret: Annotated[str, StringConstraints(min_length=1)]
    url: HttpUrl | None = None
    authentification: Literal["basic", "post"] = "basic"
    reponse: Literal["json", "signee", "chiffree"] = "json"


class IssuerSettings(StrictModel):
    """Who signs callers' tokens, for whom, and what these look like. `forme` gives the defaults of the rest.

    `client`, `compte`: the claims that name the client and who acts through it. `acr_admis`: the levels that tell of a second
    factor, beside `amr`. `mandataire`, `autorites`: the proxy, and the certificate authorities, by which it is reached.
    """

    forme: Literal["rfc9068", "keycloak", "entra"] = "rfc9068"
    emetteur: str
    audience: str
    jwks_url: HttpUrl | None = None  # else what the issuer publishes
    algorithmes: Annotated[tuple[Algorithm, ...], Field(min_length=1)] = ("RS256",)
    types: Annotated[tuple[Literal["at+jwt", "JWT"], ...], Field(min_length=1)] = ("at+jwt",)
    client: Claim = "client_id"
    compte: Claim = "agent"
    acr_admis: tuple[str, ...] = ()
    vie_max_secondes: PositiveInt = 3_600
    introspection: IntrospectionSettings | None = None
    mandataire: HttpUrl | None = None
    autorites: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def _shaped(cls, given: Any) -> Any:
        return {**SHAPES.get(str(given.get("forme")), {}), **given} if isinstance(given, dict) else given

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if not self.audience and self.introspection is None:
            raise ValueError("audience : vide seulement là où l'émetteur est interrogé ([introspection])")
        return self
