"""Operations drawn at random, and what the oracle expects of each. The graph is typed again here; the product is not read."""

import json
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.access.oracle import oracle_critere, oracle_decide, oracle_dit

Arbre = list[tuple[str, str, Any]]  # response key, field, what is below
Dit = dict[str, Any]
# Of each type, the fields: their category (none: that of what leads to them) and the type that they lead to.
GRAPHE = {
    "Jeune": "id nom:IDENTITE prenom:IDENTITE dateNaissance:IDENTITE sexe:IDENTITE age:PARCOURS mineur:PARCOURS"
    " ine:IDENTIFIANT_NATIONAL rqth:SENSIBLE telephone:CONTACT courriel:CONTACT adresse:ADRESSE>Adresse"
    " representants:REPRESENTANT>Representant commune:ADRESSE>Commune missionLocale:PARCOURS>MissionLocale"
    " missionsLocalesPossibles:PARCOURS>MissionLocale"
    " statut:PARCOURS>Statut parcours:PARCOURS>Statut formations:PARCOURS>Formation contrats:CONTRAT>Contrat"
    " ruptures:RUPTURE>Rupture suivi:SUIVI>Suivi collaboration:COLLABORATION>Collaboration provenance:TECHNIQUE>Provenance"
    " rapprochements:TECHNIQUE>IndiceRapprochement",
    "Contrat": "id numero:CONTRAT type:CONTRAT dateDebut:CONTRAT dateFin:CONTRAT employeur:CONTRAT>Employeur"
    " formation:PARCOURS>Formation cfa:PARCOURS>Cfa rupture:RUPTURE>Rupture jeune:PARCOURS>Jeune"
    " provenance:TECHNIQUE>Provenance",
    "Rupture": "id date:RUPTURE cause:COLLABORATION signaleeLe:RUPTURE delaiSignalementJours:RUPTURE"
    " avanceSurRegistreJours:RUPTURE joursDepuis:RUPTURE"
    " etat:SUIVI prioritaire:SUIVI motifsPriorite:SUIVI nouveauContrat:PARCOURS sources:RUPTURE"
    " contrat:CONTRAT>Contrat jeune:PARCOURS>Jeune"
    " provenance:TECHNIQUE>Provenance",
    "Statut": "valeur depuis",
    "Adresse": "voie complement codePostal commune:>Commune",
    "Commune": "code nom",
    "MissionLocale": "id code nom telephone",
    "Representant": "nom courriel telephone",
    "Formation": "intitule rncp cfd niveau dateDebut dateFin cfa:>Cfa",
    "Cfa": "id uai nom",
    "Employeur": "siret denomination naf idcc",
    "Suivi": "situation situationAutre date conseiller commentaire dejaConnu historique:>EtapeSuivi",
    "EtapeSuivi": "situation date",
    "Collaboration": "demandeeLe motifs commentaire causeRupture referent",
    "Provenance": "champ",
    "IndiceRapprochement": "champ",
}
CHAMPS: dict[str, dict[str, tuple[str | None, str | None]]] = {
    type_: {
        nom: (categorie or None, cible or None)
        for nom, _, suite in (mot.partition(":") for mot in texte.split())
        for categorie, _, cible in (suite.partition(">"),)
    }
    for type_, texte in GRAPHE.items()
}
OUVERTURES = {"Jeune": "PARCOURS", "Contrat": "CONTRAT", "Rupture": "RUPTURE"}
LISTES = {"jeunes": "Jeune", "contrats": "Contrat", "ruptures": "Rupture"}
TOUTES = 'filtre: {statut: [INSCRIT APPRENTI RUPTURANT ABANDON FIN_DE_FORMATION], depuis: "2020-01-01"%s}'
# What a list is selected by, and the categories it asks for; none of these leaves anybody out, whoever reads it.
CRITERES = {
    "jeunes": {
        "": set(),
        'filtre: {nom: "Nom"}': {"IDENTITE"},
        'filtre: {communes: ["60001", "60002", "75001", "75002"]}': {"ADRESSE"},
        "tri: NOM_DESC": {"IDENTITE"},
    },
    "contrats": {"": set(), 'filtre: {debutDepuis: "2020-01-01"}': {"CONTRAT"}},
    "ruptures": {
        TOUTES % "": {"RUPTURE", "PARCOURS"},
        TOUTES % ', departements: ["60", "75"]': {"RUPTURE", "PARCOURS", "ADRESSE"},
        TOUTES % ", ageMax: 99" + ", tri: PRIORITE": {"RUPTURE", "PARCOURS", "SUIVI", "SENSIBLE", "COLLABORATION"},
    },
}


@dataclass
class Racine:
    """A root field. `arbres`: what is selected, by type; `qui`: rank of the object asked by id."""

    cle: str
    champ: str
    arbres: dict[str, Arbre]
    criteres: str = ""
    qui: int = 0


@dataclass
class Ecriture:
    """A document being written."""

    hasard: Random
    fragments: list[str] = field(default_factory=list)

    def selection(self, type_: str, arbre: Arbre) -> str:
        return " ".join(self._orne(type_, self._champ(type_, un)) for un in arbre)

    def _champ(self, type_: str, un: tuple[str, str, Any]) -> str:
        cle, champ, sous = un
        cible = CHAMPS[type_][champ][1]
        dessous = f" {{ {self.selection(cible, sous)} }}" if cible else ""
        return f"{champ if cle == champ else f'{cle}: {champ}'}{dessous}"

    def _orne(self, type_: str, texte: str) -> str:
        """The same field, written in one of the ways that break gateways."""
        tirage, feuille = self.hasard.randrange(12), "{" not in texte
        if tirage == 0:
            nom = f"F{len(self.fragments)}"
            self.fragments.append(f"fragment {nom} on {type_} {{ {texte} }}")
            return f"...{nom} ...{nom}"
        if tirage == 1 and feuille:
            return f"{texte} {texte} @include(if: $oui) cache: __typename @skip(if: $oui)"
        return {2: f"... on {type_} {{ {texte} }}", 3: f"... @skip(if: $non) {{ {texte} }}"}.get(tirage, texte)


def tirer_operation(hasard: Random) -> list[Racine]:
    """One root field, or two."""
    return [_racine(hasard, f"r{rang}") for rang in range(1 + (hasard.random() < 0.25))]


def _racine(hasard: Random, cle: str) -> Racine:
    champ = hasard.choice(("jeunes", "jeunes", "ruptures", "contrats", "jeune", "rupture", "contrat", "node"))
    types = hasard.sample(sorted(OUVERTURES), hasard.randint(1, 3)) if champ == "node" else [_type(champ)]
    arbres = {type_: _arbre(hasard, type_, 3, f"{type_[0].lower()}_" if champ == "node" else "") for type_ in types}
    criteres = hasard.choice(sorted(CRITERES[champ])) if champ in CRITERES else ""
    return Racine(cle, champ, arbres, criteres, hasard.randrange(100))


def _type(champ: str) -> str:
    return LISTES.get(champ) or champ.capitalize()


def _arbre(hasard: Random, type_: str, profondeur: int, prefixe: str = "") -> Arbre:
    # What joined the records of somebody depends on the systems heard, which are not those of who may read everything.
    possibles = [n for n, (_, cible) in CHAMPS[type_].items() if n != "rapprochements" and (profondeur or not cible)]
    choisis = hasard.sample(possibles, min(len(possibles), hasard.randint(1, 5)))
    return [
        (
            f"{prefixe or 'x_'}{champ}" if prefixe or hasard.random() < 0.2 else champ,
            champ,
            _arbre(hasard, cible, profondeur - 1) if (cible := CHAMPS[type_][champ][1]) else None,
        )
        for champ in choisis
    ]


def ecrire(operation: list[Racine], hasard: Random, ids: dict[str, list[str]]) -> str:
    """The text of an operation. `ids`: the ids known of each type, of whoever they are."""
    ecriture = Ecriture(hasard)
    racines = [_ecrire_racine(racine, ecriture, ids) for racine in operation]
    tete = "query ($oui: Boolean! = true, $non: Boolean! = false) { __typename @skip(if: $oui) @include(if: $non)"
    return " ".join([tete, *racines, "}", *ecriture.fragments])


def _ecrire_racine(racine: Racine, ecriture: Ecriture, ids: dict[str, list[str]]) -> str:
    if racine.champ in LISTES:
        (type_, arbre), *_ = racine.arbres.items()
        arguments = f"first: 50, {racine.criteres}".rstrip(", ")
        noeud = ecriture.selection(type_, arbre)
        return f"{racine.cle}: {racine.champ}({arguments}) {{ totalCount edges {{ node {{ {noeud} }} }} }}"
    morceaux = {type_: ecriture.selection(type_, arbre) for type_, arbre in racine.arbres.items()}
    selection = " ".join(f"... on {type_} {{ {morceau} }}" for type_, morceau in morceaux.items())
    return f'{racine.cle}: {racine.champ}(id: "{vise(racine, ids)}") {{ {selection} }}'


def vise(racine: Racine, ids: dict[str, list[str]]) -> str:
    """The id that a root field asks."""
    connus = [un for type_ in sorted(racine.arbres) for un in ids[type_]] or ["inconnu"]
    return connus[racine.qui % len(connus)]


@dataclass
class Attente:
    """What an answer must be: data (None: refused as a whole), and (path, code) of each refusal."""

    data: dict[str, Any] | None
    refus: list[tuple[tuple[str, ...], str]]


def attendre(viewer: Dit, operation: list[Racine], verite: list[tuple[Dit, Dit]], ids: dict[str, list[str]]) -> Attente:
    """The oracle's answer. `verite`: what is to be known of each person, and all that the graph would tell of it."""
    attente = Attente({}, [])
    for racine in operation:
        refus, accordee = _refus_de_racine(viewer, racine)
        attente.refus += [((racine.cle, *chemin), _code(viewer, categorie)) for chemin, categorie in refus]
        ouverte = not any(chemin == () for chemin, _ in refus)
        if ouverte and not oracle_critere(viewer, CRITERES.get(racine.champ, {}).get(racine.criteres, set())):
            return Attente(None, [])
        assert attente.data is not None
        attente.data[racine.cle] = None if refus and not accordee else _montrer_racine(viewer, racine, verite, ids)
    return attente


def _code(viewer: Dit, categorie: str) -> str:
    ouvrirait = any(oracle_decide({**viewer, "finalite": une}, None, categorie) for une in viewer["finalites"])
    return "FINALITE_REQUISE" if viewer["finalite"] is None and ouvrirait else "CHAMP_REFUSE"


def _refus_de_racine(viewer: Dit, racine: Racine) -> tuple[list[tuple[tuple[str, ...], str]], bool]:
    if racine.champ != "node":
        ((type_, arbre),) = racine.arbres.items()
        if not oracle_decide(viewer, None, OUVERTURES[type_]):
            return [((), OUVERTURES[type_])], False
        refus, accordee = refus_de(viewer, type_, arbre)
        milieu = ("edges", "node") if racine.champ in LISTES else ()
        return [((*milieu, *chemin), categorie) for chemin, categorie in refus], accordee or not refus
    tous: list[tuple[tuple[str, ...], str]] = []
    accorde = False
    for type_, arbre in racine.arbres.items():
        if oracle_decide(viewer, None, OUVERTURES[type_]):
            refus, accordee = refus_de(viewer, type_, arbre)
            tous, accorde = tous + refus, accorde or accordee
        else:
            tous += [((cle,), OUVERTURES[type_]) for cle, champ, _ in arbre if CHAMPS[type_][champ][0]]
    return tous, accorde


def refus_de(viewer: Dit, type_: str, arbre: Arbre) -> tuple[list[tuple[tuple[str, ...], str]], bool]:
    """The refused paths of a selection with their categories, and whether something governed in it is granted."""
    tous: list[tuple[tuple[str, ...], str]] = []
    accordee = False
    for cle, champ, sous in arbre:
        categorie, cible = CHAMPS[type_][champ]
        if categorie and not oracle_decide(viewer, None, categorie):
            tous.append(((cle,), categorie))
            continue
        dessous, dedans = refus_de(viewer, cible, sous) if cible else ([], False)
        tous += [((cle, *chemin), sa_categorie) for chemin, sa_categorie in dessous]
        accordee = accordee or dedans or bool(categorie and not (dessous and not dedans))
    return tous, accordee


def _montrer_racine(viewer: Dit, racine: Racine, verite: list[tuple[Dit, Dit]], ids: dict[str, list[str]]) -> Any:
    vus = [(personne, jeune) for personne, jeune in verite if oracle_decide(viewer, personne, "PARCOURS")]
    if racine.champ in LISTES:
        ((type_, arbre),) = racine.arbres.items()
        noeuds = [montrer(viewer, p, type_, arbre, objet) for p, jeune in vus for objet in _objets(type_, jeune)]
        return {"totalCount": len(noeuds), "edges": [{"node": noeud} for noeud in noeuds]}
    for type_ in OUVERTURES if racine.champ == "node" else racine.arbres:
        for personne, jeune in vus if oracle_decide(viewer, None, OUVERTURES[type_]) else ():
            for objet in _objets(type_, jeune):
                if objet["id"] == vise(racine, ids):
                    return montrer(viewer, personne, type_, racine.arbres.get(type_, []), objet)
    return None


def _objets(type_: str, jeune: Dit) -> list[Dit]:
    objets: dict[str, list[Dit]] = {"Jeune": [jeune], "Contrat": jeune["contrats"], "Rupture": jeune["ruptures"]}
    return objets[type_]


def montrer(viewer: Dit, personne: Dit, type_: str, arbre: Arbre, objet: Any) -> Any:
    """What the viewer is shown of an object that it may open."""
    if isinstance(objet, list):
        return [montrer(viewer, personne, type_, arbre, un) for un in objet]
    if objet is None:
        return None
    vu: Dit = {}
    for cle, champ, sous in arbre:
        categorie, cible = CHAMPS[type_][champ]
        vu[cle] = None
        if oracle_decide(viewer, personne, categorie):
            valeur = oracle_dit(viewer, personne, champ, objet[champ], CHAMPS[type_])
            refus, accordee = refus_de(viewer, cible, sous) if cible else ([], True)
            if not (categorie and refus and not accordee):
                vu[cle] = montrer(viewer, personne, cible, sous, valeur) if cible else valeur
    return vu


def comparable(data: Any) -> Any:
    """Orders are not judged here; a list below a row is a set: sources that say the same thing twice are one line."""
    if isinstance(data, dict):
        return {cle: comparable(valeur) for cle, valeur in data.items()}
    if not isinstance(data, list):
        return data
    textes = [json.dumps(comparable(un), sort_keys=True) for un in data]
    return sorted(textes) if any(isinstance(un, dict) and "node" in un for un in data) else sorted(set(textes))
