"""What is shown of a view to one set of rights: masked copies, made and looked at once. Knows no list and no page."""

from collections.abc import Callable, Sequence
from typing import Any

from gateway.auth.decide import Decision
from gateway.auth.mask import masquer
from gateway.auth.sentinelle import en_trop
from gateway.errors import FuiteArretee
from gateway.federation.explication import attacher_indices
from gateway.federation.provenance import attacher
from gateway.federation.views import Droits, Personne, Shown, Vue, lisibles
from gateway.schema.lieux import Cfa, Source
from gateway.schema.nouns import Contrat, Jeune, Rupture
from gateway.schema.tables import EXPLANATIONS, PROVENANCES

MASQUES_MAX = 4096  # masked copies kept for the same rights


def fige(decision: Decision) -> bool:
    """Whether what an answer shows of an object never changes: the state of a source does, while its CFA is shown."""
    return "Cfa.source" not in decision.coordonnees


class Vitrine:
    """The masked copies of a view for one caller's rights and one decision. `source`: the system of a CFA, of the moment."""

    def __init__(self, vue: Vue, droits: Droits, decision: Decision, source: Callable[[Cfa], Source | None]) -> None:
        self._droits = droits
        self._decision = decision
        self._source = None if fige(decision) else source
        montres = vue.montres(droits, decision.categories, EXPLANATIONS & decision.coordonnees)
        self._copies, self.pages = montres.copies, montres.pages

    def montrer(self, personne: Personne, objet: Jeune | Contrat | Rupture) -> Shown:
        """The copy that leaves, and what may be read of this person. Raises FuiteArretee."""
        montre = self._copies.get(objet.id) or self._preparer(personne, objet)
        if self._source:
            for cfa in _cfas_de(montre.value):
                cfa.source = self._source(cfa)
        return montre

    def _preparer(self, personne: Personne, objet: Any) -> Shown:
        """The perimeter is looked at again, for these rights and on this row, whoever the view was built for; the copy is
        made and looked at once; both go with the view when its facts change."""
        accordees = lisibles(personne.jeune, personne.rattachement, self._droits)
        if not accordees:
            raise FuiteArretee(f"{type(objet).__name__} hors périmètre")
        categories = accordees & self._decision.categories
        self._expliquer(personne)
        copie = masquer(objet, categories)
        if reste := en_trop(copie, categories):
            raise FuiteArretee(reste)
        if len(self._copies) >= MASQUES_MAX:
            self._copies.clear()
        copie.kept_bytes = {}
        shown = self._copies[objet.id] = Shown(copie, {personne.jeune.id: categories})
        return shown

    def _expliquer(self, personne: Personne) -> None:
        """Write the lines that say who says what, and what joined the records, if they are asked for."""
        if PROVENANCES & self._decision.coordonnees and personne.jeune.lignes is None:
            attacher(personne.fusion)
        if (EXPLANATIONS - PROVENANCES) & self._decision.coordonnees and personne.jeune.indices is None:
            attacher_indices(personne.fusion)


def _cfas_de(objet: Jeune | Contrat | Rupture) -> list[Cfa]:
    """The CFAs reachable from a masked copy."""
    if isinstance(objet, Jeune):
        jeune, contrats = objet, objet.contrats or []
    else:
        contrat = objet if isinstance(objet, Contrat) else objet.contrat
        jeune = objet.jeune or Jeune()
        contrats = [*(jeune.contrats or []), *([contrat] if contrat else [])]
    formations: Sequence[Any] = [*(jeune.formations or []), *(contrat.formation for contrat in contrats)]
    return [porteur.cfa for porteur in (*contrats, *formations) if porteur and porteur.cfa]
