"""What one operation may show: the schema's context over a view. Pages, masks and counts; reaches no source."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any, Generic, TypeVar

from gateway.auth.coordonnees import NOEUDS
from gateway.auth.decide import Decision
from gateway.auth.rules import CategorieDonnee
from gateway.auth.viewer import Viewer
from gateway.domain.recherche import Candidat
from gateway.domain.ressemblance import Niveau
from gateway.federation.annuaire import Annuaire
from gateway.federation.explication import indices_d_identite, probabilite
from gateway.federation.identifiants import Identifiants
from gateway.federation.moi import presenter_moi
from gateway.federation.pages import (
    ORDRES_JEUNES,
    ORDRES_RUPTURES,
    Curseurs,
    Ordonnee,
    Tranche,
    decouper,
    filtrer_contrats,
    filtrer_jeunes,
    filtrer_ruptures,
    liaison,
    ordonner,
    ordre_contrats,
)
from gateway.federation.recherche import chercher
from gateway.federation.recolte import Recolte
from gateway.federation.views import Droits, PageFaite, Personne, Vue
from gateway.federation.vitrine import Vitrine, fige
from gateway.schema.connexions import (
    ContratConnection,
    ContratEdge,
    JeuneConnection,
    JeuneEdge,
    PageInfo,
    RuptureConnection,
    RuptureEdge,
)
from gateway.schema.contexte import FRAGMENTS, Moi, Page
from gateway.schema.filtres import FiltreContrats, FiltreJeunes, FiltreRuptures, TriJeunes, TriRuptures
from gateway.schema.lieux import Cfa, MissionLocale, Node, Source
from gateway.schema.nouns import Contrat, Jeune, Rapprochement, Rupture

T = TypeVar("T", Jeune, Contrat, Rupture)
N = TypeVar("N", bound="Node | list[Rapprochement] | None")
CURSEURS = frozenset({"RuptureEdge.cursor", "JeuneEdge.cursor", "ContratEdge.cursor"})
BORNES = frozenset({"PageInfo.startCursor", "PageInfo.endCursor"})


@dataclass(frozen=True, slots=True)
class Liste(Generic[T]):
    """A list that may be asked: what tells it from others, its order, the person of an element, the types that show it."""

    dite: tuple[str, Any, Any]  # name, filter, order
    ordonner: Callable[[], Ordonnee[T]]
    de: Callable[[T], tuple[Personne, T]]
    formes: tuple[Any, Any]

    @property
    def cle(self) -> tuple[str, ...]:
        nom, filtre, tri = self.dite
        return nom, repr(filtre), tri.value if tri else ""


@dataclass
class ContexteOperation:
    """Implements `gateway.schema.contexte.Contexte` for one viewer and one operation."""

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
    montrees: dict[str, frozenset[CategorieDonnee]] = field(default_factory=dict)  # what is read of each, by her id
    recherches: int = 0  # of one object that the caller names
    introuvables: int = 0

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
        self.recherches += 1
        self.introuvables += not trouve and self.recolte.complete
        return trouve

    def _node(self, identifiant: str) -> Node | None:
        noeud = self.annuaire.noeud(identifiant)
        if noeud is not None:
            return noeud
        par_type = {"Jeune": self._jeune, "Contrat": lambda cle: self._contrat(cle, None), "Rupture": self._rupture}
        ouverts = [montrer for nom, montrer in par_type.items() if NOEUDS[nom] in self.decision.categories]
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
        personnes = self.vue.personnes
        liste = Liste(
            ("jeunes", filtre, tri),
            lambda: ordonner(filtrer_jeunes([une.jeune for une in personnes.values()], filtre), ORDRES_JEUNES[tri]),
            lambda jeune: (personnes[jeune.id], jeune),
            (JeuneEdge, JeuneConnection),
        )
        trouvee: JeuneConnection | None = self._page(liste, page)
        return trouvee

    def contrats(self, filtre: FiltreContrats | None, page: Page) -> ContratConnection | None:
        tous = self.vue.contrats
        liste = Liste(
            ("contrats", filtre, None),
            lambda: ordonner(filtrer_contrats([contrat for _, contrat in tous.values()], filtre), ordre_contrats),
            lambda contrat: tous[contrat.id],
            (ContratEdge, ContratConnection),
        )
        trouvee: ContratConnection | None = self._page(liste, page)
        return trouvee

    def ruptures(self, filtre: FiltreRuptures | None, tri: TriRuptures, page: Page) -> RuptureConnection | None:
        toutes = self.vue.ruptures
        liste = Liste(
            ("ruptures", filtre, tri),
            lambda: ordonner(
                filtrer_ruptures([rupture for _, rupture in toutes.values()], filtre, self.jour), ORDRES_RUPTURES[tri]
            ),
            lambda rupture: toutes[rupture.id],
            (RuptureEdge, RuptureConnection),
        )
        trouvee: RuptureConnection | None = self._page(liste, page)
        return trouvee

    def _page(self, liste: Liste[T], page: Page) -> Any:
        """A page of a list; as it was made, for the same rights, as long as the view holds. None: nobody answered."""
        if self.recolte.muette:
            return None
        curseurs, pages = self._curseurs(liste), self._vitrine.pages
        cle = (liste.cle, page, self.recolte.complete, curseurs.tous, curseurs.bornes)
        faite = pages.get(cle) if self.figes else None
        if faite is None:
            faite = self._faire(decouper(self._ordonnee(liste), page, curseurs), liste)
            if self.figes:
                pages[cle] = faite
        self.montrees |= faite[1]
        return faite[0]

    def _faire(self, tranche: Tranche[T], liste: Liste[T]) -> PageFaite:
        element, connexion = liste.formes
        lues: dict[str, frozenset[CategorieDonnee]] = {}
        edges = []
        for curseur, objet in tranche.elements:
            personne, _ = couple = liste.de(objet)
            lues[personne.fusion.jeune.id], copie = self._vitrine.montrer(*couple)
            edges.append(element(cursor=curseur, node=copie))
        page = connexion(edges=edges, **self._position(tranche))
        page.__dict__[FRAGMENTS] = {}
        return page, lues

    def _position(self, tranche: Tranche[Any]) -> dict[str, Any]:
        curseurs = [curseur for curseur, _ in tranche.elements]
        info = PageInfo(
            has_next_page=tranche.apres,
            has_previous_page=tranche.avant,
            start_cursor=curseurs[0] if curseurs else None,
            end_cursor=curseurs[-1] if curseurs else None,
        )
        return {"page_info": info, "total_count": tranche.total, "complet": self.recolte.complete}

    def _ordonnee(self, liste: Liste[T]) -> Ordonnee[T]:
        """A list in its order, sorted once as long as the view holds."""
        if liste.cle not in self.vue.listes:
            self.vue.listes[liste.cle] = liste.ordonner()
        ordonnee: Ordonnee[T] = self.vue.listes[liste.cle]
        return ordonnee

    def _curseurs(self, liste: Liste[Any]) -> Curseurs:
        """Sealing a cursor costs more than showing its row: only those that are asked."""
        lus = self.decision.coordonnees
        return Curseurs(
            self.identifiants,
            lambda: self._lie(*liste.dite),
            tous=not lus.isdisjoint(CURSEURS),
            bornes=not lus.isdisjoint(BORNES),
        )

    def _lie(self, liste: str, filtre: Any, tri: Any) -> str:
        perimetre = self.droits.perimetre
        texte = f"{self.droits.profil.value}/{perimetre.profil.value}/{perimetre.organisation}/{self.jour}"
        return liaison(liste, filtre, tri, texte)

    def _montrer(self, personne: Personne, objet: T) -> T:
        """The masked copy that leaves: only what this viewer may read of this person."""
        self.montrees[personne.fusion.jeune.id], montre = self._vitrine.montrer(personne, objet)
        dit: T = montre
        return dit

    @cached_property
    def _vitrine(self) -> Vitrine:
        return Vitrine(self.vue, self.droits, self.decision, self._source)

    def _source(self, cfa: Cfa) -> Source | None:
        nom = self.source_du_cfa(cfa.uai) if cfa.uai else None
        return next((source for source in self.etats() if source.nom == nom), None)


def _numero(contrat: Contrat) -> str:
    return (contrat.numero or "").casefold()
