"""What is shown of a view to one set of rights: masked copies, made and looked at once. Knows no list and no page."""

from collections.abc import Callable, Sequence
from typing import Any

from gateway.auth.authorization.decide import Decision
from gateway.auth.authorization.mask import mask
from gateway.auth.authorization.sentinel import excess
from gateway.errors import LeakStopped
from gateway.federation.join.evidence import attach_evidence
from gateway.federation.join.provenance import attach
from gateway.federation.views.build import Rights, Shown, View, ViewPerson, readable
from gateway.schema.nouns import Contrat, Jeune, Rupture
from gateway.schema.organisations import Cfa, Source
from gateway.schema.tables import EXPLANATIONS, PROVENANCES

MASKED_MAX = 4096  # masked copies kept for the same rights


def is_frozen(decision: Decision) -> bool:
    """Whether what an answer shows of an object never changes: the state of a source does, while its CFA is shown."""
    return "Cfa.source" not in decision.coordinates


class MaskedCopies:
    """The masked copies of a view for one caller's rights and one decision. `source`: the system of a CFA, of the moment."""

    def __init__(self, view: View, rights: Rights, decision: Decision, source: Callable[[Cfa], Source | None]) -> None:
        self._rights = rights
        self._decision = decision
        self._source = None if is_frozen(decision) else source
        shown_copies = view.shown_copies(rights, decision.categories, EXPLANATIONS & decision.coordinates)
        self._copies, self.pages = shown_copies.copies, shown_copies.pages

    def show(self, person: ViewPerson, object_: Jeune | Contrat | Rupture) -> Shown:
        """The copy that leaves, and what may be read of this person. Raises LeakStopped."""
        shown = self._copies.get(object_.id) or self._prepare(person, object_)
        if self._source:
            for cfa in _cfas_of(shown.value):
                cfa.source = self._source(cfa)
        return shown

    def _prepare(self, person: ViewPerson, object_: Any) -> Shown:
        """The perimeter is looked at again, for these rights and on this row, whoever the view was built for; the copy is
        made and looked at once; both go with the view when its facts change."""
        granted = readable(person.jeune, person.affiliation, self._rights)
        if not granted:
            raise LeakStopped(f"{type(object_).__name__} hors périmètre")
        categories = granted & self._decision.categories
        self._explain(person)
        copy = mask(object_, categories)
        if rest := excess(copy, categories):
            raise LeakStopped(rest)
        if len(self._copies) >= MASKED_MAX:
            self._copies.clear()
        copy.kept_bytes = {}
        shown = self._copies[object_.id] = Shown(copy, {person.jeune.id: categories})
        return shown

    def _explain(self, person: ViewPerson) -> None:
        """Write the lines that say who says what, and what joined the records, if they are asked for."""
        if PROVENANCES & self._decision.coordinates and person.jeune.rows is None:
            attach(person.merged)
        if (EXPLANATIONS - PROVENANCES) & self._decision.coordinates and person.jeune.indices is None:
            attach_evidence(person.merged)


def _cfas_of(object_: Jeune | Contrat | Rupture) -> list[Cfa]:
    """The CFAs reachable from a masked copy."""
    if isinstance(object_, Jeune):
        jeune, contrats = object_, object_.contrats or []
    else:
        contrat = object_ if isinstance(object_, Contrat) else object_.contrat
        jeune = object_.jeune or Jeune()
        contrats = [*(jeune.contrats or []), *([contrat] if contrat else [])]
    formations: Sequence[Any] = [*(jeune.formations or []), *(contrat.formation for contrat in contrats)]
    return [holder.cfa for holder in (*contrats, *formations) if holder and holder.cfa]
