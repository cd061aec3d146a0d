"""Which testimonies speak of the same person. This is the one place where records are joined.

How alike two records are, and who may be joined with whom, is `gateway.domain.appariement`. Knows no merge rule, no viewer.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial

from gateway.domain.appariement import Appariement, Lien, apparier, sans_collectifs
from gateway.domain.ressemblance import Niveau
from gateway.federation.temoignages import Temoignage

Cle = tuple[tuple[str, str], str]  # installation, record


@dataclass(frozen=True, slots=True)
class Groupe:
    """The testimonies of one person, best source first, and what joined them.

    `cle` is stable text, secret: it is never shown as it is. `douteux`: links to other persons, too weak or too ambiguous
    to join them.
    """

    cle: str
    temoignages: tuple[Temoignage, ...]
    niveau: Niveau = Niveau.CERTAIN
    liens: tuple[Lien, ...] = ()
    douteux: tuple[Lien, ...] = ()


def rapprocher(
    temoignages: Iterable[Temoignage], concerne: Callable[[Temoignage], bool] = lambda _: True
) -> list[Groupe]:
    """Group testimonies by person, whatever the order they come in. Ambiguous ones stay apart.

    Every person of whom one testimony is `concerne` is there, as if all were grouped; of the others, some.
    """
    tous = {(temoignage.origine, temoignage.dossier.cle): temoignage for temoignage in temoignages}
    par_cle = voisinage(tous, concerne)
    traits = sans_collectifs([temoignage.traits for temoignage in tous.values() if temoignage.traits])
    personnes, douteux = apparier(trait for trait in traits if trait.rang in par_cle)
    offerts = _par_enregistrement(douteux)
    groupes = _nommer([_groupe(personne, par_cle, offerts) for personne in personnes])
    anonymes = [
        Groupe(temoignage.cle_propre, (temoignage,)) for temoignage in par_cle.values() if not temoignage.traits
    ]
    return sorted([*groupes, *anonymes], key=lambda groupe: groupe.cle)


def voisinage(tous: Mapping[Cle, Temoignage], concerne: Callable[[Temoignage], bool]) -> Mapping[Cle, Temoignage]:
    """Those that are `concerne`, those they could be compared with, and so on: what is outside changes nothing for them.

    A Mission locale has a hundredth of the people that the CFAs of its region tell of.
    """
    retenus, restants = _partager(tous.items(), concerne)
    if not restants:
        return tous
    nouveaux: Collection[Temoignage] = retenus.values()
    while nouveaux:
        blocs = {bloc for temoignage in nouveaux for bloc in temoignage.blocs}
        trouves, restants = _partager(restants.items(), partial(_touche, blocs))
        retenus |= trouves
        nouveaux = trouves.values()
    return retenus


def _touche(blocs: Set[int], temoignage: Temoignage) -> bool:
    return not blocs.isdisjoint(temoignage.blocs)


def _partager(
    couples: Iterable[tuple[Cle, Temoignage]], choisir: Callable[[Temoignage], bool]
) -> tuple[dict[Cle, Temoignage], dict[Cle, Temoignage]]:
    choisis: dict[Cle, Temoignage] = {}
    autres: dict[Cle, Temoignage] = {}
    for cle, temoignage in couples:
        (choisis if choisir(temoignage) else autres)[cle] = temoignage
    return choisis, autres


def _groupe(personne: Appariement, par_cle: Mapping[Cle, Temoignage], offerts: Mapping[Cle, Sequence[Lien]]) -> Groupe:
    membres = sorted((par_cle[trait.rang] for trait in personne.membres), key=lambda membre: membre.rang)
    douteux = {id(lien): lien for trait in personne.membres for lien in offerts.get(trait.rang, ())}
    return Groupe(membres[0].identite, tuple(membres), personne.niveau, personne.liens, tuple(douteux.values()))


def _par_enregistrement(liens: Iterable[Lien]) -> Mapping[Cle, Sequence[Lien]]:
    par_cle: dict[Cle, list[Lien]] = defaultdict(list)
    for lien in liens:
        for trait in (lien.un, lien.autre):
            par_cle[trait.rang].append(lien)
    return par_cle


def _nommer(groupes: Sequence[Groupe]) -> list[Groupe]:
    """Two persons of one exact identity are told apart by the key of their best record."""
    porteurs = Counter(groupe.cle for groupe in groupes)
    return [g if porteurs[g.cle] == 1 else replace(g, cle=g.temoignages[0].cle_propre) for g in groupes]
