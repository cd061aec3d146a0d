"""The views kept, one a subject: found again as long as what they depend on holds, else built beside the loop."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from gateway.concurrency import SingleFlight
from gateway.federation.annuaire import Annuaire
from gateway.federation.attribution import Attributeur
from gateway.federation.ecart import a_l_ecart
from gateway.federation.recolte import Recolte
from gateway.federation.views import REPRISE, Droits, Vue, inscrire, retenir

PERSONNES_MAX = 8_000  # of the views kept, some 17 KB each with what is shown of them: a worker stays under 300 MB
PERSONNES_MIN = 20  # what a view counts for at least, be it empty


@dataclass(frozen=True, slots=True)
class CleDeVue:
    """What a view depends on: whom it is for and what it is told by, and the versions of that. Later ones replace it."""

    sujet: Hashable
    versions: Hashable


class Vues:
    """Views already built, as long as they hold so many persons together, the least used forgotten first; of one subject, the
    last. The one just built is kept, whatever it holds."""

    def __init__(self) -> None:
        self._connues: OrderedDict[Hashable, tuple[CleDeVue, Vue]] = OrderedDict()
        self._builds: SingleFlight[CleDeVue, Vue] = SingleFlight()

    async def vue(self, cle: CleDeVue, construire: Callable[[], Coroutine[Any, Any, Vue]]) -> Vue:
        """The view of that key, built once for all who wait; whoever leaves does not stop it."""
        de, connue = self._connues.get(cle.sujet, (None, None))
        if connue and de == cle and (connue.perimee is None or asyncio.get_running_loop().time() < connue.perimee):
            self._connues.move_to_end(cle.sujet)
            return connue
        return await self._builds.run(cle, partial(self._construire, cle, construire))

    async def _construire(self, cle: CleDeVue, construire: Callable[[], Coroutine[Any, Any, Vue]]) -> Vue:
        vue = await construire()
        self._connues[cle.sujet] = cle, vue
        self._connues.move_to_end(cle.sujet)
        while len(self._connues) > 1 and sum(map(_poids, self._connues.values())) > PERSONNES_MAX:
            self._connues.popitem(last=False)
        return vue


def _poids(connue: tuple[CleDeVue, Vue]) -> int:
    return max(PERSONNES_MIN, len(connue[1].personnes))


def cle_de_vue(recolte: Recolte, droits: Droits, annuaire: Annuaire, jour: date) -> CleDeVue:
    """The key of what these rights see in that harvest."""
    pour_qui = (droits.profil, droits.finalite, droits.perimetre, jour, annuaire)
    return CleDeVue((pour_qui, recolte.suivi_entendu, frozenset(recolte.unites)), recolte.versions)


async def find_view(
    vues: Vues, attributeur: Attributeur, recolte: Recolte, droits: Droits, annuaire: Annuaire, jour: date
) -> Vue:
    """What these rights see of that harvest that day."""

    async def build() -> Vue:
        combien = len(recolte.temoignages)  # a region takes seconds to merge
        retenues = await a_l_ecart(combien, retenir, recolte, droits, annuaire, jour)
        attribution = await attributeur.attribuer(retenues.grappes, retenues.faits)
        vue = await a_l_ecart(combien, inscrire, retenues, attribution, droits, annuaire, recolte)
        if attribution.provisoire:
            vue.perimee = asyncio.get_running_loop().time() + REPRISE
        return vue

    return await vues.vue(cle_de_vue(recolte, droits, annuaire, jour), build)
