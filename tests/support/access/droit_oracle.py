"""Who may know what of whom, written from docs/droits.md alone and from nothing of the product.

Each function names, in quotation marks, the heading of docs/droits.md that it restates.
A `Personne` is described as the sources open to the requester tell her: for a requester whose `temoins` hold no
Mission locale, a residence, an age or a handicap that only a Mission locale knows is left out of her.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

Ids = frozenset[str]
# « Liens entre un demandeur et une personne »: the keys of `organisations` and of `liens`.
RESIDENCE = "RESIDENCE"  # the Mission locale of the home address
SUIVI = "SUIVI"  # a Mission locale that already follows
CFA = "CFA"  # where she is registered, and who is fully responsible for that place
RESEAU = "RESEAU"  # the network of her CFA; a requester holds here a network that is responsible, no other
TERRITOIRE_CFA = "TERRITOIRE_CFA"  # region, department and academy of her CFA: "REGION:11"
REGION_RESIDENCE = "REGION_RESIDENCE"  # the region of the home address

# « Règles communes »
FINALITES = {
    "MISSION_LOCALE": "ACCOMPAGNEMENT",
    "FRANCE_TRAVAIL": "ACCOMPAGNEMENT",
    "SI_PARTENAIRE": "ACCOMPAGNEMENT",
    "CFA": "GESTION_CFA",
    "DREETS": "CONTROLE_OBLIGATION",
    "DDETS": "CONTROLE_OBLIGATION",
    "ACADEMIE": "CONTROLE_OBLIGATION",
    "TETE_DE_RESEAU": "PILOTAGE",
    "ARML": "PILOTAGE",
    "REGION": "PILOTAGE",
    "OPCO": "PILOTAGE",
    "STATISTIQUES": "PILOTAGE",
    "ADMINISTRATEUR": "EXPLOITATION",
}
ETAT = ("DREETS", "DDETS", "ACADEMIE")
# « Tableau »: what both a Mission locale and a CFA read of their own, before what each has in particular.
OWN = ("PARCOURS", "IDENTITE", "CONTACT", "ADRESSE", "SENSIBLE", "REPRESENTANT", "CONTRAT", "RUPTURE", "TECHNIQUE")


@dataclass(frozen=True)
class Demandeur:
    """Who asks: a profile, its purpose, its organisations by relation and, for a delegate, as whom it acts."""

    profil: str
    finalite: str | None
    organisations: Mapping[str, Ids] = field(default_factory=dict)
    comme: str | None = None


@dataclass(frozen=True)
class Personne:
    """Who is asked about: her organisations by relation, and the CFAs that asked for joint support."""

    statut: str | None
    age: int | None
    rqth: bool = False
    liens: Mapping[str, Ids] = field(default_factory=dict)
    demandes: Ids = frozenset()


def lit(demandeur: Demandeur, personne: Personne, categorie: str) -> bool:
    """« Règles communes »: what is not allowed is refused."""
    if categorie == "PUBLIQUE":
        return True
    if categorie == "AGREGAT":
        return _reads_counts(demandeur)
    if (demandeur.profil, demandeur.comme, demandeur.finalite) == ("SI_PARTENAIRE", "CFA", "GESTION_CFA"):
        return (
            categorie == "TECHNIQUE"
        )  # « Système délégué »: to manage, what became of what was transmitted, and never a person
    if demandeur.finalite != FINALITES.get(demandeur.profil):
        return False
    if demandeur.profil == "ADMINISTRATEUR":
        return categorie == "TECHNIQUE"  # « Administrateur »: the state of systems
    return voit(demandeur, personne) and _lit_personne(demandeur, personne, categorie)


def _reads_counts(demandeur: Demandeur) -> bool:
    """« Tableau », AGREGAT: figures of one's own perimeter, whatever the purpose; a delegate, those of its principal."""
    if demandeur.profil == "SI_PARTENAIRE":
        return demandeur.comme in ("MISSION_LOCALE", "CFA")
    return demandeur.profil in FINALITES and demandeur.profil != "ADMINISTRATEUR"


def _lit_personne(demandeur: Demandeur, personne: Personne, categorie: str) -> bool:  # noqa: PLR0911 - a sentence each
    """« Tableau », for a person that the requester knows."""
    if demandeur.profil == "SI_PARTENAIRE":  # « Système délégué »
        allowed = categorie in ("PARCOURS", "IDENTITE", "CONTACT", "CONTRAT", "RUPTURE", "SUIVI")
        return allowed and lit(_principal(demandeur), personne, categorie)
    if demandeur.profil == "MISSION_LOCALE":  # « Mission locale »
        if categorie == "COLLABORATION":
            return bool(personne.demandes)
        return categorie in (*OWN, "SUIVI", "SANS_CONTRAT")
    if demandeur.profil == "CFA":  # « CFA »
        if categorie in ("SUIVI", "COLLABORATION"):
            return _asked(demandeur, personne)
        return categorie in (*OWN, "IDENTIFIANT_NATIONAL")
    if demandeur.profil == "TETE_DE_RESEAU":  # « Tête de réseau »
        return categorie in ("PARCOURS", "IDENTITE", "IDENTIFIANT_NATIONAL", "CONTRAT", "RUPTURE")
    if demandeur.profil in ETAT:  # « DREETS, DDETS et académie »
        return categorie in ("PARCOURS", "IDENTITE", "CONTACT")
    return categorie in ("PARCOURS", "IDENTITE", "CONTACT", "ADRESSE", "SENSIBLE", "SANS_CONTRAT")  # « France Travail »


def voit(demandeur: Demandeur, personne: Personne) -> bool:  # noqa: PLR0911 - a sentence each
    """« Règles communes »: a link and the conditions of the profile, under its purpose."""
    if demandeur.finalite != FINALITES.get(demandeur.profil):
        return False
    if demandeur.profil == "SI_PARTENAIRE":
        return _delegate_sees(demandeur, personne)
    if demandeur.profil == "MISSION_LOCALE":  # « Mission locale »
        resident_or_followed = _linked(demandeur, personne, RESIDENCE) or _linked(demandeur, personne, SUIVI)
        return resident_or_followed and _age_of_support(personne)
    if demandeur.profil == "CFA":  # « CFA »
        return _linked(demandeur, personne, CFA)
    if demandeur.profil == "TETE_DE_RESEAU":  # « Tête de réseau »
        return _linked(demandeur, personne, RESEAU)
    if demandeur.profil in ETAT:  # « DREETS, DDETS et académie »
        return _linked(demandeur, personne, TERRITOIRE_CFA) and personne.statut in ("INSCRIT", "RUPTURANT", "ABANDON")
    if demandeur.profil == "FRANCE_TRAVAIL":  # « France Travail »
        resident = _linked(demandeur, personne, REGION_RESIDENCE)
        return resident and personne.statut == "INSCRIT" and _age_of_support(personne)
    return False  # « ARML », « Région et opérateur de compétences », « Statistiques », « Administrateur »


def temoins(demandeur: Demandeur, personne: Personne) -> Ids:
    """« D'où vient une réponse »: the kinds of sources whose records of her may enter an answer."""
    if lit(demandeur, personne, "SUIVI") or lit(demandeur, personne, "COLLABORATION"):
        return frozenset({"ERP", "REGISTRE", "MISSION_LOCALE"})
    return frozenset({"ERP", "REGISTRE"}) if voit(demandeur, personne) else frozenset()


def _delegate_sees(demandeur: Demandeur, personne: Personne) -> bool:
    """« Système délégué »: never a person that its principal does not know, nor one shown because of a handicap."""
    if demandeur.comme not in ("MISSION_LOCALE", "CFA") or not voit(_principal(demandeur), personne):
        return False
    return demandeur.comme == "CFA" or _age_of_support(replace(personne, rqth=False))


def _principal(delegate: Demandeur) -> Demandeur:
    """« Système délégué »: the one for whom it acts, with the same organisations."""
    profil = delegate.comme or ""
    return replace(delegate, profil=profil, finalite=FINALITES.get(profil), comme=None)


def _linked(demandeur: Demandeur, personne: Personne, relation: str) -> bool:
    """« Liens entre un demandeur et une personne »."""
    return bool(demandeur.organisations.get(relation, frozenset()) & personne.liens.get(relation, frozenset()))


def _asked(demandeur: Demandeur, personne: Personne) -> bool:
    """« Conditions »: this CFA, hers, asked for joint support; the request of another opens nothing."""
    own = demandeur.organisations.get(CFA, frozenset()) & personne.liens.get(CFA, frozenset())
    return bool(own & personne.demandes)


def _age_of_support(personne: Personne) -> bool:
    """« Conditions »: from 16 to the eve of 26, without end for a person recognised as a disabled worker."""
    return personne.age is not None and personne.age >= 16 and (personne.age < 26 or personne.rqth)
