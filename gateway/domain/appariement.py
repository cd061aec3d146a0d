"""Which records are of one person: block, score, join best first. Pure; knows no noun and no source.

1. Block: two records are compared only if they share a telling word and the birth date (day and month in any order), all
   their words in one year or on one day of the year, a contact and the year or a word, an INE or a contract number. The
   work grows with the records, not with their square.
2. Score each pair (`ressemblance`).
3. Set aside what is ambiguous: a record claimed as strongly by two that cannot be one person.
4. Join best first, a record of an installation at most once a person, never across a contradiction.

The result is a function of the set of records: the order in which they come changes nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from gateway.domain.identity import Traits, numeros
from gateway.domain.ressemblance import Bareme, Niveau, Ressemblance, bareme, comparer

COLLECTIF = 3  # records of one installation with one contact: it is a school's, a home's, and tells nobody from another


@dataclass(frozen=True, slots=True)
class Lien:
    """Two records and how alike they are. `un` comes before `autre` in the order of records."""

    un: Traits
    autre: Traits
    ressemblance: Ressemblance

    @property
    def score(self) -> float:
        return self.ressemblance.score


@dataclass(frozen=True, slots=True)
class Appariement:
    """One person: its records in order, and the links that joined them."""

    membres: tuple[Traits, ...]
    liens: tuple[Lien, ...] = ()

    @property
    def niveau(self) -> Niveau:
        """That of its weakest link."""
        niveaux = {bareme().niveau(lien.score) for lien in self.liens}
        return Niveau.PROBABLE if Niveau.PROBABLE in niveaux else Niveau.CERTAIN


@dataclass(slots=True)
class _Amas:
    """A person being put together."""

    membres: list[Traits]
    liens: list[Lien] = field(default_factory=list)


def apparier(traits: Iterable[Traits]) -> tuple[list[Appariement], list[Lien]]:
    """The persons, in order of their first record, and the links too weak or too ambiguous to join anybody."""
    tous = sans_collectifs(sorted(traits, key=lambda trait: trait.rang))
    liens = _Liens(bareme())
    for un, autre in couples(tous):
        liens.ajouter(un, autre)
    retenus, douteux = liens.trier()
    amas = {id(trait): _Amas([trait]) for trait in tous}
    for lien in retenus:
        gauche, droite = amas[id(lien.un)], amas[id(lien.autre)]
        if gauche is droite:
            continue
        if liens.compatibles(gauche.membres, droite.membres):
            _joindre(amas, gauche, droite, lien)
        else:
            douteux.append(lien)
    uniques = {id(un): un for un in amas.values()}.values()
    personnes = [Appariement(tuple(sorted(un.membres, key=lambda t: t.rang)), tuple(un.liens)) for un in uniques]
    return sorted(personnes, key=lambda personne: personne.membres[0].rang), douteux


def sans_collectifs(traits: Sequence[Traits]) -> list[Traits]:
    """The records, without the phones and e-mails that an installation gives for several of its people."""
    donnes = Counter((t.origine, contact) for t in traits for contact in (t.telephone, t.courriel) if contact)
    communs = {contact for (_, contact), nombre in donnes.items() if nombre >= COLLECTIF}
    if not communs:
        return list(traits)
    return [_sans(trait, communs) if {trait.telephone, trait.courriel} & communs else trait for trait in traits]


def _sans(trait: Traits, communs: set[str]) -> Traits:
    garde = {champ: None for champ in ("telephone", "courriel") if getattr(trait, champ) in communs}
    return replace(trait, **garde)  # type: ignore[arg-type]


def _joindre(amas: dict[int, _Amas], un: _Amas, autre: _Amas, lien: Lien) -> None:
    un.membres += autre.membres
    un.liens += [*autre.liens, lien]
    for membre in autre.membres:
        amas[id(membre)] = un


def couples(traits: Sequence[Traits]) -> Iterator[tuple[Traits, Traits]]:
    """The pairs worth comparing, each once, of different installations."""
    premiers: dict[Hashable, int] = {}
    blocs: dict[Hashable, list[int]] = {}  # of two records or more: most keys are of one only
    for rang, trait in enumerate(traits):
        for cle in cles_de_bloc(trait):
            premier = premiers.setdefault(cle, rang)
            if premier != rang:
                blocs.setdefault(cle, [premier]).append(rang)
    vus = {couple for bloc in blocs.values() for couple in combinations(bloc, 2)}
    for un, autre in vus:
        if traits[un].origine != traits[autre].origine:
            yield traits[un], traits[autre]


def cles_de_bloc(trait: Traits) -> Iterator[Hashable]:
    """What a record must share with another to be compared with it."""
    annee, jour_et_mois = trait.naissance.year, sorted((trait.naissance.month, trait.naissance.day))
    for mot in trait.mots_pleins:
        yield annee, *jour_et_mois, mot
    mots = sorted(trait.mots_pleins)
    yield annee, *mots
    yield *jour_et_mois, *mots
    for contact in filter(None, (trait.telephone, trait.courriel)):
        yield annee, contact
        for mot in mots:
            yield contact, mot
    if trait.ine:
        yield trait.ine
    yield from numeros(trait.contrats)


class _Liens:
    """The compared pairs of a set of records, each scored once."""

    def __init__(self, regle: Bareme) -> None:
        self._regle = regle
        self._scores: dict[tuple[int, int], Ressemblance] = {}
        self._voisins: dict[int, list[Lien]] = defaultdict(list)
        self._forts: list[Lien] = []
        self._douteux: list[Lien] = []

    def ressemblance(self, un: Traits, autre: Traits) -> Ressemblance:
        cle = (id(un), id(autre)) if un.rang < autre.rang else (id(autre), id(un))
        if cle not in self._scores:
            self._scores[cle] = comparer(un, autre)
        return self._scores[cle]

    def ajouter(self, un: Traits, autre: Traits) -> None:
        trouvee = self.ressemblance(un, autre)
        if trouvee.score < self._regle.a_confirmer:
            return
        lien = Lien(un, autre, trouvee)
        (self._forts if lien.score >= self._regle.probable else self._douteux).append(lien)
        self._voisins[id(un)].append(lien)
        self._voisins[id(autre)].append(lien)

    def trier(self) -> tuple[list[Lien], list[Lien]]:
        """The links that may join, best first; those that may only be offered."""
        ambigus = {id(lien) for lien in self._forts if self._ambigu(lien)}
        surs = [lien for lien in self._forts if id(lien) not in ambigus]
        douteux = [*self._douteux, *(lien for lien in self._forts if id(lien) in ambigus)]
        return sorted(surs, key=lambda lien: (-lien.score, lien.un.rang, lien.autre.rang)), douteux

    def _ambigu(self, lien: Lien) -> bool:
        return self._dispute(lien, lien.un, lien.autre) or self._dispute(lien, lien.autre, lien.un)

    def _dispute(self, lien: Lien, qui: Traits, elu: Traits) -> bool:
        """Whether another record claims `qui` about as strongly, and cannot be of one person with the `elu`."""
        for rival in self._voisins[id(qui)]:
            autre = rival.autre if rival.un is qui else rival.un
            if autre is not elu and rival.score > lien.score - self._regle.marge and self._exclus(autre, elu):
                return True
        return False

    def _exclus(self, un: Traits, autre: Traits) -> bool:
        return un.origine == autre.origine or self.ressemblance(un, autre).score < self._regle.contradiction

    def compatibles(self, uns: Sequence[Traits], autres: Sequence[Traits]) -> bool:
        """One record of an installation at most, and nothing that says they are two people."""
        return not any(self._exclus(un, autre) for un in uns for autre in autres)
