"""What one operation may show: the schema's context over a view. Pages, masks and counts; reaches no source."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any, TypeVar

from gateway.auth.decide import Decision
from gateway.auth.rules import OPENED_BY, CategorieDonnee
from gateway.auth.viewer import Viewer
from gateway.domain.recherche import Candidat
from gateway.domain.ressemblance import Niveau
from gateway.federation.annuaire import Annuaire
from gateway.federation.explication import indices_d_identite, probabilite
from gateway.federation.identifiants import Identifiants
from gateway.federation.lists import CONTRATS, JEUNES, RUPTURES, ListQuery
from gateway.federation.moi import presenter_moi
from gateway.federation.pages import Curseurs, decouper, liaison
from gateway.federation.recherche import chercher
from gateway.federation.recolte import Recolte
from gateway.federation.views import Droits, Personne, Vue
from gateway.federation.vitrine import Vitrine, fige
from gateway.schema.connexions import ContratConnection, JeuneConnection, RuptureConnection
from gateway.schema.contexte import Moi, Page
from gateway.schema.filtres import FiltreContrats, FiltreJeunes, FiltreRuptures, TriJeunes, TriRuptures
from gateway.schema.lieux import Cfa, MissionLocale, Node, Source
from gateway.schema.nouns import Contrat, Jeune, Rapprochement, Rupture
from gateway.schema.tables import END_CURSORS, ROW_CURSORS

T = TypeVar("T", Jeune, Contrat, Rupture)
C = TypeVar("C", JeuneConnection, ContratConnection, RuptureConnection)
N = TypeVar("N", bound="Node | list[Rapprochement] | None")


@dataclass(slots=True)
class Tally:
    """What is counted while an operation executes. `lookups`: searches of one object that the caller names."""

    shown: dict[str, frozenset[CategorieDonnee]] = field(default_factory=dict)  # what is read of each person, by her id
    lookups: int = 0
    not_found: int = 0


@dataclass(frozen=True)
class ContexteOperation:
    """Implements `gateway.schema.contexte.Contexte` for one viewer and one operation, once all that it may show is there."""

    viewer: Viewer
    droits: Droits
    decision: Decision
    annuaire: Annuaire
    identifiants: Identifiants
    jour: date
    etats: Callable[[], list[Source]]
    source_du_cfa: Callable[[str], str | None]
    recolte: Recolte = field(default_factory=Recolte)
    vue: Vue = field(default_factory=Vue)
    tally: Tally = field(default_factory=Tally)

    @property
    def figes(self) -> bool:
        """Whether what is shown of an object is the same as long as the object is."""
        return fige(self.decision)

    def ouverte(self, cle: object) -> bool:
        return cle in self.decision.racines

    def moi(self) -> Moi:
        return presenter_moi(self.viewer, self.droits, self.decision, self.annuaire)

    def sources(self) -> list[Source] | None:
        return self.etats()

    def cfa(self, uai: str | None, siret: str | None) -> Cfa | None:
        trouve = self.annuaire.cfa(uai, siret) if uai or siret else None
        if trouve is None or (siret and trouve.siret != siret):
            return None
        return replace(trouve, source=self._source(trouve)) if "Cfa.source" in self.decision.coordonnees else trouve

    def mission_locale(self, code: str) -> MissionLocale | None:
        return self.annuaire.mission_locale(code)

    def node(self, identifiant: str) -> Node | None:
        return self._compter(self._node(identifiant))

    def jeune(self, identifiant: str) -> Jeune | None:
        return self._compter(self._jeune(identifiant))

    def contrat(self, identifiant: str | None, numero: str | None) -> Contrat | None:
        return self._compter(self._contrat(identifiant, numero))

    def rupture(self, identifiant: str) -> Rupture | None:
        return self._compter(self._rupture(identifiant))

    def _compter(self, trouve: N) -> N:
        """Who guesses finds little (SECURITY A02). What a source that is down hides is not a guess."""
        self.tally.lookups += 1
        self.tally.not_found += not trouve and self.recolte.complete
        return trouve

    def _node(self, identifiant: str) -> Node | None:
        noeud = self.annuaire.noeud(identifiant)
        if noeud is not None:
            return noeud
        par_type = {Jeune: self._jeune, Contrat: lambda cle: self._contrat(cle, None), Rupture: self._rupture}
        ouverts = [
            montrer for type_, montrer in par_type.items() if getattr(type_, OPENED_BY) in self.decision.categories
        ]
        return next((trouve for montrer in ouverts if (trouve := montrer(identifiant)) is not None), None)

    def _jeune(self, identifiant: str) -> Jeune | None:
        personne = self.vue.personnes.get(self._courant(identifiant))
        return self._montrer(personne, personne.jeune) if personne else None

    def _contrat(self, identifiant: str | None, numero: str | None) -> Contrat | None:
        if identifiant is not None:
            trouve = self.vue.contrats.get(self._courant(identifiant))
            return self._montrer(*trouve) if trouve and numero in (None, trouve[1].numero) else None
        cherche = (numero or "").casefold()
        memes = [couple for couple in self.vue.contrats.values() if cherche and _numero(couple[1]) == cherche]
        return self._montrer(*memes[0]) if len(memes) == 1 else None

    def _rupture(self, identifiant: str) -> Rupture | None:
        trouvee = self.vue.ruptures.get(self._courant(identifiant))
        return self._montrer(*trouvee) if trouvee else None

    def _courant(self, identifiant: str) -> str:
        """The id that one of before has become; the same for any other."""
        lu = self.identifiants.ouvrir(identifiant) if self.vue.anciens else None
        if lu is None or lu[1] not in self.vue.anciens:
            return identifiant
        return self.identifiants.sceller(lu[0], self.vue.anciens[lu[1]])

    def recherche_jeune(self, nom: str, prenom: str, naissance: date) -> list[Rapprochement] | None:
        if self.recolte.muette:
            return None
        trouves = chercher(self.vue, nom, prenom, naissance)
        return self._compter([self._rapprocher(candidat, niveau) for candidat, niveau in trouves])

    def _rapprocher(self, candidat: Candidat, niveau: Niveau) -> Rapprochement:
        personne, trouvee = self.vue.personnes[candidat.personne], candidat.ressemblance
        return Rapprochement(
            jeune=self._montrer(personne, personne.jeune),
            score=probabilite(trouvee.score),
            niveau=niveau,
            sources=sorted({temoignage.source for temoignage in personne.fusion.groupe.temoignages}),
            indices=indices_d_identite(trouvee, niveau),
        )

    def jeunes(self, filtre: FiltreJeunes | None, tri: TriJeunes, page: Page) -> JeuneConnection | None:
        return self._page(ListQuery(JEUNES, filtre, tri, self.jour), page)

    def contrats(self, filtre: FiltreContrats | None, page: Page) -> ContratConnection | None:
        return self._page(ListQuery(CONTRATS, filtre, None, self.jour), page)

    def ruptures(self, filtre: FiltreRuptures | None, tri: TriRuptures, page: Page) -> RuptureConnection | None:
        return self._page(ListQuery(RUPTURES, filtre, tri, self.jour), page)

    def _page(self, query: ListQuery[Any, C], page: Page) -> C | None:
        """A page of a list; as it was made, for the same rights, as long as the view holds. None: nobody answered."""
        if self.recolte.muette:
            return None
        complet, pages, curseurs = self.recolte.complete, self._vitrine.pages, self._curseurs(query)
        cle = (query.key, page, complet, curseurs.tous, curseurs.bornes)
        shown = pages.get(cle) if self.figes else None
        if shown is None:
            tranche = decouper(query.sort(self.vue), page, curseurs)
            shown = query.show(self.vue, tranche, self._vitrine, complet)
            if self.figes:
                pages[cle] = shown
        self.tally.shown |= shown.read
        connection: C = shown.value
        return connection

    def _curseurs(self, query: ListQuery[Any, Any]) -> Curseurs:
        """Sealing a cursor costs more than showing its row: only those that are asked."""
        lus, perimetre = self.decision.coordonnees, self.droits.perimetre
        viewer = f"{self.droits.profil.value}/{perimetre.profil.value}/{perimetre.organisation}/{self.jour}"
        return Curseurs(
            self.identifiants,
            lambda: liaison(query.definition.name, query.filtre, query.tri, viewer),
            tous=not lus.isdisjoint(ROW_CURSORS),
            bornes=not lus.isdisjoint(END_CURSORS),
        )

    def _montrer(self, personne: Personne, objet: T) -> T:
        """The masked copy that leaves: only what this viewer may read of this person."""
        shown = self._vitrine.montrer(personne, objet)
        self.tally.shown |= shown.read
        copie: T = shown.value
        return copie

    @cached_property
    def _vitrine(self) -> Vitrine:
        return Vitrine(self.vue, self.droits, self.decision, self._source)

    def _source(self, cfa: Cfa) -> Source | None:
        nom = self.source_du_cfa(cfa.uai) if cfa.uai else None
        return next((source for source in self.etats() if source.nom == nom), None)


def _numero(contrat: Contrat) -> str:
    return (contrat.numero or "").casefold()
