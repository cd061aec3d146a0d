"""Which partners there are and how each is asked: one TOML file a partner, read into frozen records.

Knows the format of the files and nothing of HTTP. Every mistake is an ErreurConfiguration of one line that names the
file and the key. Secrets are read from the environment mapping passed in, and show in no `repr`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from urllib.parse import quote

from pydantic import SecretStr

from gateway.connectors.base import Locataire
from gateway.errors import ErreurConfiguration
from gateway.sources.fichier import (
    AccesFichier,
    CacheFichier,
    EvenementsFichier,
    FichierPartenaire,
    LimitesFichier,
    OAuth2Fichier,
)
from gateway.sources.locataires import Abonne, lire_locataires, secret_de
from gateway.toml_file import read_toml

ACCES_DEFAUT = "defaut"


@dataclass(frozen=True, slots=True)
class Acces:
    """One credential. `type`: entete | parametre | basic | porteur | oauth2.

    `nom` is the header, the query key or the client id of oauth2. `secret` is None when the tenants file gives one a tenant.
    """

    type: str
    nom: str = ""
    secret: SecretStr | None = field(default=None, repr=False)
    entetes: Mapping[str, str] = field(default_factory=dict)
    url_jeton: str = ""


@dataclass(frozen=True, slots=True)
class Evenements:
    """How a partner tells what changes: `periode` (seconds) between two looks at its queue, the secret of its calls."""

    periode: float
    secret: SecretStr | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Partenaire:
    """A configured partner. `nom` is its name in the graph, `genre` its connector."""

    nom: str
    genre: str
    base_url: str
    acces: Mapping[str, Acces]
    abonnes: Mapping[str, Abonne] | None  # by UAI; None when the partner has one tenant
    limites: LimitesFichier
    cache: CacheFichier
    ouverture: tuple[time, time] | None = None  # Europe/Paris, a hint
    moisson_depuis: date | None = None
    moisson_fenetre_jours: int = 59
    evenements: Evenements | None = None

    def adresse(self, locataire: Locataire) -> str:
        """Base URL of a tenant, without a final slash. The code the partner gave it is percent-encoded."""
        abonne = (self.abonnes or {}).get(locataire.cle)
        modele = abonne.base_url if abonne and abonne.base_url else self.base_url
        return modele.replace("{code}", quote(locataire.code, safe="")).rstrip("/")


def charger_partenaires(dossier: Path, environ: Mapping[str, str], genres: Collection[str]) -> dict[str, Partenaire]:
    """Read every `*.toml` of `dossier`; `genres` are the kinds a connector exists for. Raises ErreurConfiguration."""
    if not dossier.is_dir():
        raise ErreurConfiguration(f"{dossier} : dossier des partenaires absent")
    lus: dict[str, Partenaire] = {}
    for chemin in sorted(dossier.glob("*.toml")):
        partenaire = _charger(chemin, environ, genres)
        if partenaire.nom in lus:
            raise ErreurConfiguration(f"{chemin} : nom : « {partenaire.nom} » déjà pris par un autre fichier")
        lus[partenaire.nom] = partenaire
    _refuser_cfa_partages(dossier, lus.values())
    return lus


def _refuser_cfa_partages(dossier: Path, partenaires: Iterable[Partenaire]) -> None:
    vus: dict[str, str] = {}
    for partenaire in partenaires:
        for uai in partenaire.abonnes or ():
            if uai in vus:
                raise ErreurConfiguration(
                    f"{dossier} : locataires : UAI {uai} servi par « {vus[uai]} » et par « {partenaire.nom} »"
                )
            vus[uai] = partenaire.nom


def _charger(chemin: Path, environ: Mapping[str, str], genres: Collection[str]) -> Partenaire:
    fichier = read_toml(chemin, FichierPartenaire)
    if fichier.genre not in genres:
        raise ErreurConfiguration(
            f"{chemin} : genre : « {fichier.genre} » inconnu (connus : {', '.join(sorted(genres))})"
        )
    abonnes = lire_locataires(chemin, fichier.locataires, environ) if fichier.locataires else None
    _exiger_locataires(chemin, fichier, abonnes)
    return Partenaire(
        nom=fichier.nom,
        genre=fichier.genre,
        base_url=fichier.base_url,
        acces={nom: _acces(chemin, nom, acces, environ, abonnes) for nom, acces in fichier.acces.items()},
        abonnes=abonnes,
        limites=fichier.limites,
        cache=fichier.cache,
        ouverture=(fichier.ouverture.debut, fichier.ouverture.fin) if fichier.ouverture else None,
        moisson_depuis=fichier.moisson.depuis if fichier.moisson else None,
        moisson_fenetre_jours=fichier.moisson.fenetre_jours if fichier.moisson else 59,
        evenements=_evenements(chemin, fichier.evenements, environ) if fichier.evenements else None,
    )


def _exiger_locataires(chemin: Path, fichier: FichierPartenaire, abonnes: Mapping[str, Abonne] | None) -> None:
    if abonnes is None:
        if "{code}" in fichier.base_url:
            raise ErreurConfiguration(f"{chemin} : base_url : {{code}} demande un fichier « locataires »")
        return
    for abonne in abonnes.values():
        if "{code}" in (abonne.base_url or fichier.base_url) and not abonne.locataire.code:
            raise ErreurConfiguration(f"{chemin} : locataires : code absent pour l'UAI {abonne.locataire.cle}")


def _acces(
    chemin: Path, nom: str, fichier: AccesFichier, environ: Mapping[str, str], abonnes: Mapping[str, Abonne] | None
) -> Acces:
    cle = f"acces.{nom}.secret"
    oauth = fichier if isinstance(fichier, OAuth2Fichier) else None
    secret = _secret(chemin, cle, fichier.secret, environ, abonnes)
    if fichier.type == "basic" and secret and ":" not in secret.get_secret_value():
        raise ErreurConfiguration(f"{chemin} : {cle} : « compte:mot de passe » attendu dans {fichier.secret}")
    return Acces(
        type=fichier.type,
        nom=oauth.client if oauth else getattr(fichier, "nom", ""),
        secret=secret,
        entetes=fichier.entetes,
        url_jeton=oauth.url_jeton if oauth else "",
    )


def _evenements(chemin: Path, fichier: EvenementsFichier, environ: Mapping[str, str]) -> Evenements:
    secret = secret_de(environ, fichier.secret, f"{chemin} : evenements.secret") if fichier.secret else None
    return Evenements(fichier.periode_secondes, secret)


def _secret(
    chemin: Path, cle: str, variable: str, environ: Mapping[str, str], abonnes: Mapping[str, Abonne] | None
) -> SecretStr | None:
    if variable:
        return secret_de(environ, variable, f"{chemin} : {cle}")
    if abonnes and all(abonne.secret for abonne in abonnes.values()):
        return None
    raise ErreurConfiguration(f"{chemin} : {cle} : absent, et le fichier des locataires n'en donne pas un à chacun")
