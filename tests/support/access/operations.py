"""Operations drawn at random, and what the oracle expects of each. The graph is typed again here; the product is not read."""

import json
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.support.access.law import Asker, Known, may_choose_by, reads, says

Tree = list[tuple[str, str, Any]]  # response key, field, what is below
Told = dict[str, Any]
# Of each type, the fields: their category (none: that of what leads to them) and the type that they lead to.
GRAPH = {
    "Jeune": "id nom:IDENTITE prenom:IDENTITE dateNaissance:IDENTITE sexe:IDENTITE age:PARCOURS mineur:PARCOURS"
    " ine:IDENTIFIANT_NATIONAL rqth:SENSIBLE telephone:CONTACT courriel:CONTACT adresse:ADRESSE>Adresse"
    " representants:REPRESENTANT>Representant commune:ADRESSE>Commune missionLocale:PARCOURS>MissionLocale"
    " missionsLocalesPossibles:PARCOURS>MissionLocale"
    " statut:PARCOURS>Statut parcours:PARCOURS>Statut formations:PARCOURS>Formation contrats:CONTRAT>Contrat"
    " ruptures:RUPTURE>Rupture sansContrat:SANS_CONTRAT>SansContrat etatSansContrat:SUIVI"
    " suivi:SUIVI>Suivi collaboration:COLLABORATION>Collaboration provenance:TECHNIQUE>Provenance"
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
    "SansContrat": "depuis jours echeance joursRestants depassee contratPrevu",
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
FIELDS: dict[str, dict[str, tuple[str | None, str | None]]] = {
    type_: {
        nom: (categorie or None, target or None)
        for nom, _, following in (word.partition(":") for word in text.split())
        for categorie, _, target in (following.partition(">"),)
    }
    for type_, text in GRAPH.items()
}
OPENINGS = {"Jeune": "PARCOURS", "Contrat": "CONTRAT", "Rupture": "RUPTURE"}
LISTS = {"jeunes": "Jeune", "contrats": "Contrat", "ruptures": "Rupture", "inscritsSansContrat": "Jeune"}
# What a root field asks for beside what opens its type.
OF_ROOTS = {"inscritsSansContrat": "SANS_CONTRAT"}
ALL_ONES = 'filtre: {statut: [INSCRIT APPRENTI RUPTURANT ABANDON FIN_DE_FORMATION], depuis: "2020-01-01"%s}'
# What a list is selected by, and the categories it asks for; none of these leaves anybody out, whoever reads it.
CRITERIA = {
    "jeunes": {
        "": set(),
        'filtre: {nom: "Nom"}': {"IDENTITE"},
        'filtre: {communes: ["60001", "60002", "75001", "75002"]}': {"ADRESSE"},
        "tri: NOM_DESC": {"IDENTITE"},
    },
    "inscritsSansContrat": {
        "": set(),
        "filtre: {contratPrevu: true}": {"SANS_CONTRAT"},
        "tri: ECHEANCE": {"SANS_CONTRAT"},
    },
    "contrats": {"": set(), 'filtre: {debutDepuis: "2020-01-01"}': {"CONTRAT"}},
    "ruptures": {
        ALL_ONES % "": {"RUPTURE", "PARCOURS"},
        ALL_ONES % ', departements: ["60", "75"]': {"RUPTURE", "PARCOURS", "ADRESSE"},
        ALL_ONES % ", ageMax: 99" + ", tri: PRIORITE": {"RUPTURE", "PARCOURS", "SUIVI", "SENSIBLE", "COLLABORATION"},
    },
}


@dataclass
class RootField:
    """A root field. `trees`: what is selected, by type; `who`: rank of the object asked by id."""

    key: str
    champ: str
    trees: dict[str, Tree]
    criteria: str = ""
    who: int = 0


@dataclass
class Spelling:
    """A document being written."""

    randomness: Random
    fragments: list[str] = field(default_factory=list)

    def selection(self, type_: str, tree: Tree) -> str:
        return " ".join(self._adorn(type_, self._field(type_, one)) for one in tree)

    def _field(self, type_: str, one: tuple[str, str, Any]) -> str:
        key, champ, under = one
        target = FIELDS[type_][champ][1]
        below = f" {{ {self.selection(target, under)} }}" if target else ""
        return f"{champ if key == champ else f'{key}: {champ}'}{below}"

    def _adorn(self, type_: str, text: str) -> str:
        """The same field, written in one of the ways that break gateways."""
        draw, leaf = self.randomness.randrange(12), "{" not in text
        if draw == 0:
            name = f"F{len(self.fragments)}"
            self.fragments.append(f"fragment {name} on {type_} {{ {text} }}")
            return f"...{name} ...{name}"
        if draw == 1 and leaf:
            return f"{text} {text} @include(if: $oui) cache: __typename @skip(if: $oui)"
        return {2: f"... on {type_} {{ {text} }}", 3: f"... @skip(if: $non) {{ {text} }}"}.get(draw, text)


def draw_operation(randomness: Random) -> list[RootField]:
    """One root field, or two."""
    return [_root(randomness, f"r{rank}") for rank in range(1 + (randomness.random() < 0.25))]


def _root(randomness: Random, key: str) -> RootField:
    champ = randomness.choice((*LISTS, "jeunes", "jeune", "rupture", "contrat", "node"))
    types = randomness.sample(sorted(OPENINGS), randomness.randint(1, 3)) if champ == "node" else [_type(champ)]
    trees = {type_: _tree(randomness, type_, 3, f"{type_[0].lower()}_" if champ == "node" else "") for type_ in types}
    criteria = randomness.choice(sorted(CRITERIA[champ])) if champ in CRITERIA else ""
    return RootField(key, champ, trees, criteria, randomness.randrange(100))


def _type(champ: str) -> str:
    return LISTS.get(champ) or champ.capitalize()


def _tree(randomness: Random, type_: str, depth: int, prefix: str = "") -> Tree:
    # What joined the records of somebody depends on the systems heard, which are not those of who may read everything.
    possible = [n for n, (_, target) in FIELDS[type_].items() if n != "rapprochements" and (depth or not target)]
    chosen = randomness.sample(possible, min(len(possible), randomness.randint(1, 5)))
    return [
        (
            f"{prefix or 'x_'}{champ}" if prefix or randomness.random() < 0.2 else champ,
            champ,
            _tree(randomness, target, depth - 1) if (target := FIELDS[type_][champ][1]) else None,
        )
        for champ in chosen
    ]


def write(operation: list[RootField], randomness: Random, ids: dict[str, list[str]]) -> str:
    """The text of an operation. `ids`: the ids known of each type, of whoever they are."""
    spelling = Spelling(randomness)
    roots = [_write_root(root, spelling, ids) for root in operation]
    head = "query ($oui: Boolean! = true, $non: Boolean! = false) { __typename @skip(if: $oui) @include(if: $non)"
    return " ".join([head, *roots, "}", *spelling.fragments])


def _write_root(racine: RootField, spelling: Spelling, ids: dict[str, list[str]]) -> str:
    if racine.champ in LISTS:
        (type_, tree), *_ = racine.trees.items()
        arguments = f"first: 50, {racine.criteria}".rstrip(", ")
        node = spelling.selection(type_, tree)
        return f"{racine.key}: {racine.champ}({arguments}) {{ totalCount edges {{ node {{ {node} }} }} }}"
    chunks = {type_: spelling.selection(type_, tree) for type_, tree in racine.trees.items()}
    selection = " ".join(f"... on {type_} {{ {chunk} }}" for type_, chunk in chunks.items())
    return f'{racine.key}: {racine.champ}(id: "{targeted(racine, ids)}") {{ {selection} }}'


def targeted(racine: RootField, ids: dict[str, list[str]]) -> str:
    """The id that a root field asks."""
    known = [one for type_ in sorted(racine.trees) for one in ids[type_]] or ["inconnu"]
    return known[racine.who % len(known)]


@dataclass
class Waiters:
    """What an answer must be: data (None: refused as a whole), and (path, code) of each refusal."""

    data: dict[str, Any] | None
    refusal: list[tuple[tuple[str, ...], str]]


def wait(
    viewer: Asker, operation: list[RootField], truth: list[tuple[Known, Told]], ids: dict[str, list[str]]
) -> Waiters:
    """The oracle's answer. `truth`: what is to be known of each person, and all that the graph would tell of it."""
    waiting = Waiters({}, [])
    for root in operation:
        refusal, is_granted = _root_refusal(viewer, root)
        waiting.refusal += [((root.key, *path), _code(viewer, categorie)) for path, categorie in refusal]
        is_open = not any(path == () for path, _ in refusal)
        if is_open and not may_choose_by(viewer, CRITERIA.get(root.champ, {}).get(root.criteria, set())):
            return Waiters(None, [])
        assert waiting.data is not None
        waiting.data[root.key] = None if refusal and not is_granted else _show_root(viewer, root, truth, ids)
    return waiting


def _code(viewer: Asker, categorie: str) -> str:
    would_open = any(reads(viewer.under(one), None, categorie) for one in viewer.finalites)
    return "FINALITE_REQUISE" if viewer.demandeur.finalite is None and would_open else "CHAMP_REFUSE"


def _root_refusal(viewer: Asker, racine: RootField) -> tuple[list[tuple[tuple[str, ...], str]], bool]:
    if racine.champ != "node":
        ((type_, tree),) = racine.trees.items()
        asked = OF_ROOTS.get(racine.champ, OPENINGS[type_])
        if not reads(viewer, None, asked):
            return [((), asked)], False
        refusal, is_granted = refusal_of(viewer, type_, tree)
        middle = ("edges", "node") if racine.champ in LISTS else ()
        return [((*middle, *path), categorie) for path, categorie in refusal], is_granted or not refusal
    everything: list[tuple[tuple[str, ...], str]] = []
    granted = False
    for type_, tree in racine.trees.items():
        if reads(viewer, None, OPENINGS[type_]):
            refusal, is_granted = refusal_of(viewer, type_, tree)
            everything, granted = everything + refusal, granted or is_granted
        else:
            everything += [((key,), OPENINGS[type_]) for key, champ, _ in tree if FIELDS[type_][champ][0]]
    return everything, granted


def refusal_of(viewer: Asker, type_: str, tree: Tree) -> tuple[list[tuple[tuple[str, ...], str]], bool]:
    """The refused paths of a selection with their categories, and whether something governed in it is granted."""
    everything: list[tuple[tuple[str, ...], str]] = []
    is_granted = False
    for key, champ, under in tree:
        categorie, target = FIELDS[type_][champ]
        if categorie and not reads(viewer, None, categorie):
            everything.append(((key,), categorie))
            continue
        below, inside = refusal_of(viewer, target, under) if target else ([], False)
        everything += [((key, *path), its_categorie) for path, its_categorie in below]
        is_granted = is_granted or inside or bool(categorie and not (below and not inside))
    return everything, is_granted


def _show_root(viewer: Asker, racine: RootField, truth: list[tuple[Known, Told]], ids: dict[str, list[str]]) -> Any:
    seen = [(person, jeune) for person, jeune in truth if reads(viewer, person, "PARCOURS")]
    if racine.champ == "inscritsSansContrat":
        seen = [one for one in seen if _waits(viewer, *one, "contratPrevu" in racine.criteria)]
    if racine.champ in LISTS:
        ((type_, tree),) = racine.trees.items()
        nodes = [show(viewer, p, type_, tree, item) for p, jeune in seen for item in _objects(type_, jeune)]
        return {"totalCount": len(nodes), "edges": [{"node": node} for node in nodes]}
    for type_ in OPENINGS if racine.champ == "node" else racine.trees:
        for person, jeune in seen if reads(viewer, None, OPENINGS[type_]) else ():
            for item in _objects(type_, jeune):
                if item["id"] == targeted(racine, ids):
                    return show(viewer, person, type_, racine.trees.get(type_, []), item)
    return None


def _waits(viewer: Asker, person: Known, jeune: Told, also_planned: bool) -> bool:
    """« Sans contrat »: who waits for a contract that is not signed yet."""
    wait = says(viewer, person, "sansContrat", jeune["sansContrat"], FIELDS["Jeune"])
    return wait is not None and (also_planned or wait["contratPrevu"] is None)


def _objects(type_: str, jeune: Told) -> list[Told]:
    objects: dict[str, list[Told]] = {"Jeune": [jeune], "Contrat": jeune["contrats"], "Rupture": jeune["ruptures"]}
    return objects[type_]


def show(viewer: Asker, person: Known, type_: str, tree: Tree, item: Any) -> Any:
    """What the viewer is shown of an object that it may open."""
    if isinstance(item, list):
        return [show(viewer, person, type_, tree, one) for one in item]
    if item is None:
        return None
    seen: Told = {}
    for key, champ, under in tree:
        categorie, target = FIELDS[type_][champ]
        seen[key] = None
        if reads(viewer, person, categorie):
            value = says(viewer, person, champ, item[champ], FIELDS[type_])
            refusal, is_granted = refusal_of(viewer, target, under) if target else ([], True)
            if not (categorie and refusal and not is_granted):
                seen[key] = show(viewer, person, target, under, value) if target else value
    return seen


def comparable(data: Any) -> Any:
    """Orders are not judged here; a list below a row is a set: sources that say the same thing twice are one line."""
    if isinstance(data, dict):
        return {key: comparable(value) for key, value in data.items()}
    if not isinstance(data, list):
        return data
    texts = [json.dumps(comparable(one), sort_keys=True) for one in data]
    return sorted(texts) if any(isinstance(one, dict) and "node" in one for one in data) else sorted(set(texts))
