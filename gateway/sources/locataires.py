"""The tenants of a partner: one line a CFA, saying where it is asked and under which secret. Does no HTTP."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from gateway.connectors.base import Locataire
from gateway.domain.identifiers import siret_valide, uai_valide
from gateway.errors import ErreurConfiguration
from gateway.sources.fichier import url_de_base

COLONNES = ("uai", "siret", "code", "base_url", "secret")


@dataclass(frozen=True, slots=True)
class Abonne:
    """A tenant as configured: `base_url` empty means the partner's, `secret` None means the access's own."""

    locataire: Locataire
    base_url: str = ""
    secret: SecretStr | None = field(default=None, repr=False)


def secret_de(environ: Mapping[str, str], variable: str, ou: str) -> SecretStr:
    """The secret an environment variable holds; `ou` (file and key) opens the message when it is missing or empty."""
    if not environ.get(variable):
        raise ErreurConfiguration(f"{ou} : variable d'environnement {variable} absente")
    if not (environ[variable].isascii() and environ[variable].isprintable()):
        raise ErreurConfiguration(f"{ou} : variable d'environnement {variable} : caractère interdit dans un secret")
    return SecretStr(environ[variable])


def lire_locataires(partenaire: Path, nom: str, environ: Mapping[str, str]) -> dict[str, Abonne]:
    """The tenants by UAI, from the CSV file that `partenaire` (a TOML file) names. Raises ErreurConfiguration."""
    chemin = partenaire.parent / nom
    abonnes: dict[str, Abonne] = {}
    for numero, ligne in _lignes(partenaire, chemin):
        ou = f"{chemin} : ligne {numero}"
        abonne = _abonne(ligne, ou, environ)
        if abonne.locataire.cle in abonnes:
            raise ErreurConfiguration(f"{ou} : uai : {abonne.locataire.cle} en double")
        abonnes[abonne.locataire.cle] = abonne
    if not abonnes:
        raise ErreurConfiguration(f"{chemin} : aucun locataire")
    return abonnes


def _lignes(partenaire: Path, chemin: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        texte = chemin.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise ErreurConfiguration(f"{partenaire} : locataires : {chemin} absent ou illisible") from None
    lecteur = csv.reader(texte.splitlines())
    entetes = next(lecteur, [])
    if inconnues := sorted(set(entetes) - set(COLONNES)):
        raise ErreurConfiguration(f"{chemin} : colonne inconnue {', '.join(inconnues)}")
    if len(set(entetes)) != len(entetes) or not {"uai", "siret", "code"} <= set(entetes):
        raise ErreurConfiguration(f"{chemin} : colonnes attendues : {', '.join(COLONNES)}")
    for ligne in lecteur:
        if len(ligne) != len(entetes):
            raise ErreurConfiguration(f"{chemin} : ligne {lecteur.line_num} : {len(entetes)} colonnes attendues")
        yield lecteur.line_num, dict(zip(entetes, (valeur.strip() for valeur in ligne), strict=True))


def _abonne(ligne: Mapping[str, str], ou: str, environ: Mapping[str, str]) -> Abonne:
    if not uai_valide(ligne["uai"]):
        raise ErreurConfiguration(f"{ou} : uai : invalide")
    if ligne["siret"] and not siret_valide(ligne["siret"]):
        raise ErreurConfiguration(f"{ou} : siret : invalide")
    variable = ligne.get("secret", "")
    return Abonne(
        locataire=Locataire(cle=ligne["uai"], siret=ligne["siret"], code=ligne["code"]),
        base_url=_url(ligne.get("base_url", ""), ou),
        secret=secret_de(environ, variable, f"{ou} : secret") if variable else None,
    )


def _url(url: str, ou: str) -> str:
    try:
        return url_de_base(url) if url else ""
    except ValueError as erreur:
        raise ErreurConfiguration(f"{ou} : base_url : {erreur}") from None
