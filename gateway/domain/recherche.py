"""Look somebody up by identity among people already joined. Pure; knows no noun and no source."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from gateway.domain.appariement import cles_de_bloc
from gateway.domain.identity import Traits
from gateway.domain.ressemblance import Ressemblance, bareme, comparer

CANDIDATS_MAX = 5


@dataclass(frozen=True, slots=True)
class Candidat:
    """A person who may be the one looked for, by the record of theirs that is most alike."""

    personne: str
    ressemblance: Ressemblance


class Repertoire:
    """People, each under the keys of their records, indexed as records are when they are joined."""

    def __init__(self, personnes: Iterable[tuple[str, Sequence[Traits]]]) -> None:
        self._blocs: dict[Hashable, list[tuple[str, Traits]]] = defaultdict(list)
        self._porteurs: dict[object, str] = {}
        for cle, enregistrements in personnes:
            for traits in enregistrements:
                self._porteurs[traits.rang] = cle
                for bloc in cles_de_bloc(traits):
                    self._blocs[bloc].append((cle, traits))

    def personne(self, traits: Traits) -> str | None:
        """Whose a record is."""
        return self._porteurs.get(traits.rang)

    def chercher(self, qui: Traits) -> list[Candidat]:
        """At most CANDIDATS_MAX people, the most alike first; those whom nothing but chance brings together are left out."""
        meilleurs: dict[str, Ressemblance] = {}
        for cle, traits in {paire: None for bloc in cles_de_bloc(qui) for paire in self._blocs.get(bloc, ())}:
            trouvee = comparer(qui, traits)
            if cle not in meilleurs or trouvee.score > meilleurs[cle].score:
                meilleurs[cle] = trouvee
        regle = bareme()
        offerts = [Candidat(cle, r) for cle, r in meilleurs.items() if r.score >= regle.a_confirmer]
        return sorted(offerts, key=lambda candidat: (-candidat.ressemblance.score, candidat.personne))[:CANDIDATS_MAX]
