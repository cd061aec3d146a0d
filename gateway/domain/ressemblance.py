"""How alike two records are: levels of agreement, and the weight of evidence of each (Fellegi and Sunter, 1969). Pure.

A weight is log2(m/u): how much more often two records of one person are at that level than two records of two people. Their
sum, over the odds that any two records are of one person, is the score: +10 means a thousand to one. The weights are data
(`poids.toml`), learnt from a generated population by `make poids` and reviewed there; the levels are the rules, here.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from functools import lru_cache
from pathlib import Path

from rapidfuzz.distance import OSA

from gateway.domain.identity import TraitContrat, Traits, mots, normaliser_nom, numeros, pleins

LETTRES_MIN, LETTRES_LONG = 4, 8  # shorter names differ by one letter too often to be alike
TRONQUE_MIN = 20  # letters of a name that a system may have cut
UN_AN = (364, 365, 366)
ECART_DEBUT = timedelta(days=7)  # two sources tell one contract as starting this close (docs/domaine.md, "Contrats")
CHEVAUCHEMENT = timedelta(days=60)  # nobody is an apprentice of two employers at once for longer


class Niveau(Enum):
    """What a score allows: join, join and say so, or only offer."""

    CERTAIN = "CERTAIN"
    PROBABLE = "PROBABLE"
    A_CONFIRMER = "A_CONFIRMER"


@dataclass(frozen=True, slots=True)
class Indice:
    """One piece of evidence: what was compared, how far it agrees, and its weight in bits."""

    critere: str
    accord: str
    poids: float


@dataclass(frozen=True, slots=True)
class Bareme:
    """The weights and the thresholds, as `poids.toml` has them."""

    a_priori: float
    certain: float
    probable: float
    a_confirmer: float
    contradiction: float
    marge: float
    poids: Mapping[str, Mapping[str, float]]

    def niveau(self, score: float) -> Niveau | None:
        """The zone of a score; None when there is nothing to offer."""
        if score >= self.certain:
            return Niveau.CERTAIN
        if score >= self.probable:
            return Niveau.PROBABLE
        return Niveau.A_CONFIRMER if score >= self.a_confirmer else None


@lru_cache(maxsize=1)
def bareme() -> Bareme:
    """The reviewed weights that ship with the gateway."""
    lu = tomllib.loads((Path(__file__).parent / "poids.toml").read_text(encoding="utf-8"))
    return Bareme(**lu["seuils"], poids=lu["poids"])


@dataclass(frozen=True, slots=True)
class Ressemblance:
    """The score of two records, in bits, and what it is made of."""

    score: float
    accords: tuple[tuple[str, str], ...]

    @property
    def indices(self) -> list[Indice]:
        poids = bareme().poids
        return [Indice(critere, accord, poids[critere][accord]) for critere, accord in self.accords]


def comparer(un: Traits, autre: Traits) -> Ressemblance:
    """Compare two records."""
    niveaux = accords(un, autre)
    regle = bareme()
    score = regle.a_priori + sum(regle.poids[critere][accord] for critere, accord in niveaux)
    return Ressemblance(min(score, _plafond(dict(niveaux), regle)), niveaux)


def _plafond(accords_: Mapping[str, str], regle: Bareme) -> float:
    """What no sum of weights may pass: who bears another first name, or the other sex, is joined by no likeness.

    Twins share a surname, a birth date, a home, often a school and a phone; a contract may be typed on the other's file.
    """
    if accords_.get("sexe") == "autre":
        return regle.probable - 1
    prouve = accords_.get("ine") == "identique"
    identite = [accords_["nom"], accords_["prenom"], accords_["naissance"]]
    if identite.count("autre") > 1 or (accords_["prenom"] == "autre" and not prouve):
        return regle.probable - 1
    return float("inf")


def accords(un: Traits, autre: Traits) -> tuple[tuple[str, str], ...]:
    """The level of each criterion that both records tell."""
    ordre, nom, prenom = _noms(un, autre)
    lus = [
        ("ordre", ordre),
        ("nom", nom),
        ("prenom", prenom),
        ("naissance", _naissance(un.naissance, autre.naissance)),
    ]
    for critere, dit, dit_aussi in (
        ("sexe", un.sexe, autre.sexe),
        ("telephone", un.telephone, autre.telephone),
        ("courriel", un.courriel, autre.courriel),
        ("ine", un.ine, autre.ine),
    ):
        if dit and dit_aussi:
            lus.append((critere, "identique" if dit == dit_aussi else "autre"))
    if un.code_postal and autre.code_postal:
        lus.append(("domicile", _domicile(un.code_postal, autre.code_postal)))
    if (cfa := _cfa(un.cfas, autre.cfas)) is not None:
        lus.append(("cfa", cfa))
    if un.contrats and autre.contrats:
        lus.append(("contrat", _contrat(un.contrats, autre.contrats)))
    return tuple(lus)


def _noms(un: Traits, autre: Traits) -> tuple[str, str, str]:
    """Order, surname, first name; inverted when that is where they agree."""
    if un.lettres == autre.lettres and un.lettres_prenom == autre.lettres_prenom:
        return "droit", "identique", "identique"
    if un.lettres == autre.lettres_prenom and un.lettres_prenom == autre.lettres:
        return "inverse", "identique", "identique"
    droit = _meilleur(un.noms, autre.noms), _nom(un.prenom, autre.prenom)
    inverse = _meilleur(un.noms, (autre.prenom,)), _meilleur((un.prenom,), autre.noms)
    if sum(map(_FORCE.__getitem__, inverse)) < sum(map(_FORCE.__getitem__, droit)):
        return "inverse", *inverse
    return "droit", *droit


_FORCE = {"identique": 0, "proche": 1, "partie": 2, "autre": 3}


def _meilleur(uns: tuple[str, ...], autres: tuple[str, ...]) -> str:
    return min((_nom(nom, autre) for nom in uns for autre in autres), key=_FORCE.__getitem__)


@lru_cache(maxsize=131_072)
def _nom(un: str, autre: str) -> str:
    """Two names: the same letters, a slip of the hand, a part of the other (compound, cut short), or another name."""
    lettres_un, lettres_autre = normaliser_nom(un), normaliser_nom(autre)
    if lettres_un == lettres_autre or pleins(un) == pleins(autre):
        return "identique"
    if _proches(lettres_un, lettres_autre):
        return "proche"
    mots_un, mots_autre = frozenset(mots(un)), frozenset(mots(autre))
    court, long = sorted((lettres_un, lettres_autre), key=len)
    if mots_un < mots_autre or mots_autre < mots_un or (len(court) >= TRONQUE_MIN and long.startswith(court)):
        return "partie"
    return "autre"


def _proches(un: str, autre: str) -> bool:
    """A letter beside, two in a long name; MARTIN and MARTINEZ are two names."""
    lettres = min(len(un), len(autre))
    fautes = 0 if lettres < LETTRES_MIN else 1 if lettres < LETTRES_LONG else 2
    return OSA.distance(un, autre, score_cutoff=fautes) <= fautes


def _naissance(une: date, autre: date) -> str:
    """The same day; day and month exchanged; a slip in one of its parts, ten days beside at most, or a year; another."""
    if une == autre:
        return "identique"
    if (une.year, une.day, une.month) == (autre.year, autre.month, autre.day):
        return "jour_mois"
    communs = (une.year == autre.year) + (une.month == autre.month) + (une.day == autre.day)
    ecart = abs((une - autre).days)
    return "proche" if communs == 2 or ecart <= 10 or ecart in UN_AN else "autre"


def _domicile(un: str, autre: str) -> str:
    if un == autre:
        return "identique"
    return "departement" if un[:2] == autre[:2] else "autre"


def _cfa(uns: frozenset[str], autres: frozenset[str]) -> str | None:
    """Like with like: a CFA told by its UAI on one side and by its SIRET on the other is not told to be another."""
    if uns & autres:
        return "commun"
    return "autre" if {len(cle) for cle in uns} & {len(cle) for cle in autres} else None


def _contrat(uns: tuple[TraitContrat, ...], autres: tuple[TraitContrat, ...]) -> str:
    """One contract in common by number, by employer and start, by start alone; two that cannot be one person's; others."""
    if numeros(uns) & numeros(autres):
        return "numero"
    couples = [(un, autre) for un in uns for autre in autres]
    debuts = [couple for couple in couples if _meme_debut(*couple) and not _numeros_differents(*couple)]
    if any(un.siren and un.siren == autre.siren for un, autre in debuts):
        return "employeur"
    if any(not un.siren or not autre.siren for un, autre in debuts):
        return "debut"
    return "incompatible" if any(_incompatibles(*couple) for couple in couples) else "autre"


def _numeros_differents(un: TraitContrat, autre: TraitContrat) -> bool:
    return bool(un.numero and autre.numero and un.numero != autre.numero)


def _meme_debut(un: TraitContrat, autre: TraitContrat) -> bool:
    return bool(un.debut and autre.debut and abs(un.debut - autre.debut) <= ECART_DEBUT)


def _incompatibles(un: TraitContrat, autre: TraitContrat) -> bool:
    """Two employers at once for too long."""
    if not (un.debut and un.fin and autre.debut and autre.fin) or (un.siren and un.siren == autre.siren):
        return False
    return min(un.fin, autre.fin) - max(un.debut, autre.debut) > CHEVAUCHEMENT
