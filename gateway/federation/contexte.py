"""What one operation may show: the schema's context over a view. Pages, masks and counts; reaches no source."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, TypeVar

from gateway.auth.coordonnees import NOEUDS
from gateway.auth.decide import Decision
from gateway.auth.mask import masquer
from gateway.auth.rules import CategorieDonnee
from gateway.auth.sentinelle import en_trop
from gateway.auth.viewer import Viewer
from gateway.domain.recherche import Candidat
from gateway.domain.ressemblance import Niveau
from gateway.errors import FuiteArretee
from gateway.federation.annuaire import Annuaire
from gateway.federation.collecte import Recolte
from gateway.federation.explication import attacher_indices, indices_d_identite, probabilite
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
from gateway.federation.provenance import attacher
from gateway.federation.recherche import chercher
from gateway.federation.views import Droits, Montre, Montres, Personne, Vue, lisibles
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
MASQUES_MAX = 4096  # masked copies kept with a view
N = TypeVar("N", bound="Node | list[Rapprochement] | None")
CURSEURS = frozenset({"RuptureEdge.cursor", "JeuneEdge.cursor", "ContratEdge.cursor"})
BORNES = frozenset({"PageInfo.startCursor", "PageInfo.endCursor"})
PROVENANCES = frozenset({"Jeune.provenance", "Contrat.provenance", "Rupture.provenance"})
EXPLICATIONS = PROVENANCES | {"Jeune.rapprochements"}


@dataclass(slots=True)
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
    _lignes: frozenset[str] = field(init=False)  # of what explains, what is asked
    figes: bool = field(init=False)  # the state of a source changes while its CFA is shown: bytes cannot hold it
    _prets: Montres | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._lignes = EXPLICATIONS & self.decision.coordonnees
        self.figes = "Cfa.source" not in self.decision.coordonnees

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
        if self.recolte.muette:
            return None
        personnes = self.vue.personnes
        liste = self._liste(
            ("jeunes", repr(filtre), tri.value),
            lambda: ordonner(filtrer_jeunes([une.jeune for une in personnes.values()], filtre), ORDRES_JEUNES[tri]),
        )
        tranche = decouper(liste, page, self._curseurs("jeunes", filtre, tri))
        edges = [JeuneEdge(cursor=c, node=self._montrer(personnes[jeune.id], jeune)) for c, jeune in tranche.elements]
        return JeuneConnection(edges=edges, **self._position(tranche))

    def contrats(self, filtre: FiltreContrats | None, page: Page) -> ContratConnection | None:
        if self.recolte.muette:
            return None
        tous = self.vue.contrats
        liste = self._liste(
            ("contrats", repr(filtre)),
            lambda: ordonner(filtrer_contrats([contrat for _, contrat in tous.values()], filtre), ordre_contrats),
        )
        tranche = decouper(liste, page, self._curseurs("contrats", filtre, None))
        edges = [ContratEdge(cursor=c, node=self._montrer(*tous[contrat.id])) for c, contrat in tranche.elements]
        return ContratConnection(edges=edges, **self._position(tranche))

    def ruptures(self, filtre: FiltreRuptures | None, tri: TriRuptures, page: Page) -> RuptureConnection | None:
        if self.recolte.muette:
            return None
        toutes = self.vue.ruptures
        liste = self._liste(
            ("ruptures", repr(filtre), tri.value),
            lambda: ordonner(
                filtrer_ruptures([rupture for _, rupture in toutes.values()], filtre, self.jour), ORDRES_RUPTURES[tri]
            ),
        )
        tranche = decouper(liste, page, self._curseurs("ruptures", filtre, tri))
        edges = [RuptureEdge(cursor=c, node=self._montrer(*toutes[rupture.id])) for c, rupture in tranche.elements]
        return RuptureConnection(edges=edges, **self._position(tranche))

    def _position(self, tranche: Tranche[Any]) -> dict[str, Any]:
        curseurs = [curseur for curseur, _ in tranche.elements]
        info = PageInfo(
            has_next_page=tranche.apres,
            has_previous_page=tranche.avant,
            start_cursor=curseurs[0] if curseurs else None,
            end_cursor=curseurs[-1] if curseurs else None,
        )
        return {"page_info": info, "total_count": tranche.total, "complet": self.recolte.complete}

    def _liste(self, cle: tuple[str, ...], ordonner: Callable[[], Ordonnee[T]]) -> Ordonnee[T]:
        """A list in its order, sorted once as long as the view holds."""
        if cle not in self.vue.listes:
            self.vue.listes[cle] = ordonner()
        liste: Ordonnee[T] = self.vue.listes[cle]
        return liste

    def _curseurs(self, liste: str, filtre: Any, tri: Any) -> Curseurs:
        """Sealing a cursor costs more than showing its row: only those that are asked."""
        lus = self.decision.coordonnees
        return Curseurs(
            self.identifiants,
            lambda: self._lie(liste, filtre, tri),
            tous=not lus.isdisjoint(CURSEURS),
            bornes=not lus.isdisjoint(BORNES),
        )

    def _lie(self, liste: str, filtre: Any, tri: Any) -> str:
        perimetre = self.droits.perimetre
        texte = f"{self.droits.profil.value}/{perimetre.profil.value}/{perimetre.organisation}/{self.jour}"
        return liaison(liste, filtre, tri, texte)

    def _montrer(self, personne: Personne, objet: T) -> T:
        """The masked copy that leaves: only what this viewer may read of this person."""
        if self._prets is None:
            self._prets = self.vue.montres(self.droits, self.decision.categories, self._lignes)
        pret = self._prets.copies.get(objet.id)
        if pret is None:
            pret = self._preparer(personne, objet, self._prets)
        self.montrees[personne.fusion.jeune.id], montre = pret
        if not self.figes:
            self._situer(montre)
        dit: T = montre
        return dit

    def _preparer(self, personne: Personne, objet: T, prets: Montres) -> Montre:
        """The perimeter is looked at again, for these rights and on this row, whoever the view was built for; the copy is
        made and looked at once; both go with the view when its facts change."""
        accordees = lisibles(personne.jeune, personne.rattachement, self.droits)
        if not accordees:
            raise FuiteArretee(f"{type(objet).__name__} hors périmètre")
        categories = accordees & self.decision.categories
        self._expliquer(personne)
        copie = masquer(objet, categories)
        if reste := en_trop(copie, categories):
            raise FuiteArretee(reste)
        if len(prets.copies) >= MASQUES_MAX:
            prets.oublier()
        copie.__dict__[FRAGMENTS] = prets.fragments
        prets.copies[objet.id] = (categories, copie)
        return prets.copies[objet.id]

    def _expliquer(self, personne: Personne) -> None:
        """Write the lines that say who says what, and what joined the records, if they are asked for."""
        if PROVENANCES & self.decision.coordonnees and personne.jeune.lignes is None:
            attacher(personne.fusion)
        if "Jeune.rapprochements" in self.decision.coordonnees and personne.jeune.indices is None:
            attacher_indices(personne.fusion)

    def _situer(self, montre: Jeune | Contrat | Rupture) -> None:
        for cfa in _cfas_de(montre):
            cfa.source = self._source(cfa)

    def _source(self, cfa: Cfa) -> Source | None:
        nom = self.source_du_cfa(cfa.uai) if cfa.uai else None
        return next((source for source in self.etats() if source.nom == nom), None)


def _numero(contrat: Contrat) -> str:
    return (contrat.numero or "").casefold()


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
