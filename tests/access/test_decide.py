"""Golden decisions: what runs, what is refused and where, for the shapes that broke other gateways (SECURITY §1.1-1.2)."""

from dataclasses import replace

import pytest
from graphql import get_operation_ast, parse

from gateway.auth.decide import decider
from gateway.auth.motifs import champ_refuse
from gateway.auth.rules import CategorieDonnee, Finalite, Profil
from gateway.errors import ArgumentRefuse, RequeteTropCouteuse
from tests.access.outils import POLITIQUE, SCHEMA, decision, nuls, refus, viewer

ML, CFA, RESEAU = Profil.MISSION_LOCALE, Profil.CFA, Profil.TETE_DE_RESEAU
FT, DREETS, ADMIN = Profil.FRANCE_TRAVAIL, Profil.DREETS, Profil.ADMINISTRATEUR


def test_tout_accorde() -> None:
    vu = decision(ML, "{ ruptures { totalCount edges { node { id date jeune { nom adresse { codePostal } } } } } }")
    assert vu.racines == {"ruptures"}
    assert vu.refus == ()
    assert vu.nuls == frozenset()
    assert vu.nominative
    assert vu.coordonnees == {
        "Query.ruptures",
        "RuptureConnection.totalCount",
        "RuptureConnection.edges",
        "RuptureEdge.node",
        "Rupture.id",
        "Rupture.date",
        "Rupture.jeune",
        "Jeune.nom",
        "Jeune.adresse",
        "Adresse.codePostal",
    }


def test_un_refus_n_annule_pas_ses_voisins() -> None:
    vu = decision(ML, "{ jeunes { edges { node { nom ine } } } }")
    assert refus(vu) == [("jeunes.edges.node.ine", "Jeune.ine", "IDENTIFIANT_NATIONAL")]
    assert nuls(vu) == {("jeunes.edges.node.ine", "Jeune.ine")}
    assert "Jeune.nom" in vu.coordonnees
    assert "Jeune.ine" not in vu.coordonnees


def test_racine_refusee_et_rien_dessous() -> None:
    vu = decision(FT, "{ r: ruptures { edges { node { cause jeune { ine } } } } jeunes { edges { node { nom } } } }")
    assert vu.racines == {"jeunes"}
    assert refus(vu) == [("r", "Query.ruptures", "RUPTURE")]
    assert nuls(vu) == {("r", "Query.ruptures")}


def test_tout_refuse() -> None:
    vu = decision(DREETS, "{ jeunes { edges { node { rqth adresse { voie } } } } ruptures { totalCount } }")
    assert vu.racines == frozenset()
    assert vu.coordonnees == frozenset()
    assert not vu.nominative
    assert [chemin for chemin, _, _ in refus(vu)] == [
        "jeunes.edges.node.rqth",
        "jeunes.edges.node.adresse",
        "ruptures",
    ]


def test_une_liste_sans_rien_d_accorde_est_nulle_et_ses_comptes_avec_elle() -> None:
    vu = decision(FT, "{ jeunes { totalCount pageInfo { hasNextPage } edges { cursor node { id contrats { id } } } } }")
    assert nuls(vu) == {("jeunes", "Query.jeunes")}
    assert refus(vu) == [("jeunes.edges.node.contrats", "Jeune.contrats", "CONTRAT")]


def test_une_liste_sans_rien_de_gouverne_s_execute() -> None:
    vu = decision(FT, "{ jeunes { totalCount edges { node { id } } } }")
    assert vu.racines == {"jeunes"}
    assert vu.refus == ()


def test_un_objet_sans_rien_d_accorde_est_nul() -> None:
    vu = decision(RESEAU, "{ ruptures { edges { node { date jeune { id telephone courriel } } } } }")
    assert nuls(vu) == {("ruptures.edges.node.jeune", "Rupture.jeune")}
    assert [chemin for chemin, _, _ in refus(vu)] == [
        "ruptures.edges.node.jeune.telephone",
        "ruptures.edges.node.jeune.courriel",
    ]
    assert "Rupture.jeune" not in vu.coordonnees


def test_alias() -> None:
    vu = decision(RESEAU, '{ a: jeune(id: "1") { n: nom t: telephone } b: jeune(id: "2") { telephone } }')
    assert vu.racines == {"a"}
    assert refus(vu) == [("a.t", "Jeune.telephone", "CONTACT"), ("b.telephone", "Jeune.telephone", "CONTACT")]
    assert nuls(vu) == {("a.t", "Jeune.telephone"), ("b", "Query.jeune")}


def test_selections_de_meme_cle_fusionnent() -> None:
    vu = decision(RESEAU, '{ jeune(id: "1") { telephone } ...F } fragment F on Query { jeune(id: "1") { nom } }')
    assert vu.racines == {"jeune"}
    assert nuls(vu) == {("jeune.telephone", "Jeune.telephone")}


def test_fragments_imbriques() -> None:
    vu = decision(
        RESEAU,
        """
        { ruptures { edges { node { ...R } } } }
        fragment R on Rupture { date jeune { ...J } ... { contrat { jeune { ...J } } } }
        fragment J on Jeune { nom ...C ... on Node { id } }
        fragment C on Jeune { telephone }
        """,
    )
    assert refus(vu) == [
        ("ruptures.edges.node.jeune.telephone", "Jeune.telephone", "CONTACT"),
        ("ruptures.edges.node.contrat.jeune.telephone", "Jeune.telephone", "CONTACT"),
    ]
    assert {"Jeune.id", "Jeune.nom"} <= vu.coordonnees


@pytest.mark.parametrize(
    ("variables", "attendus"),
    [
        ({}, ["jeune.courriel"]),
        ({"avec": True}, ["jeune.telephone", "jeune.courriel"]),
        ({"avec": False, "sans": True}, []),
    ],
)
def test_skip_et_include_suivent_les_variables(variables: dict[str, bool], attendus: list[str]) -> None:
    requete = """
    query ($avec: Boolean! = false, $sans: Boolean! = false) {
      jeune(id: "1") { nom telephone @include(if: $avec) ... on Jeune @skip(if: $sans) { courriel } rqth @skip(if: true) }
    }
    """
    assert [chemin for chemin, _, _ in refus(decision(RESEAU, requete, variables))] == attendus


NOEUD = 'query { node(id: "x") { __typename id %s } }'


def test_node_ouvre_chaque_type_par_sa_regle() -> None:
    vu = decision(FT, NOEUD % "... on Jeune { nom ine } ... on Rupture { jeune { nom } } ... on Cfa { nom }")
    assert vu.racines == {"node"}
    assert set(refus(vu)) == {
        ("node.ine", "Jeune.ine", "IDENTIFIANT_NATIONAL"),
        ("node.jeune", "Rupture.jeune", "RUPTURE"),
    }
    assert "Rupture.id" not in vu.coordonnees
    assert {"Jeune.nom", "Cfa.nom"} <= vu.coordonnees


def test_node_dont_tout_est_refuse_n_est_pas_cherche() -> None:
    vu = decision(FT, NOEUD % "... on Rupture { date } ... on Contrat { numero }")
    assert vu.racines == frozenset()
    assert nuls(vu) == {("node", "Query.node")}


def test_node_public() -> None:
    vu = decision(ADMIN, NOEUD % "... on Cfa { nom } ... on Jeune { provenance { champ } }")
    assert vu.racines == {"node"}
    assert refus(vu) == [("node.provenance", "Jeune.provenance", "PARCOURS")]
    assert not vu.nominative


def test_l_administrateur_voit_les_sources_et_personne() -> None:
    vu = decision(ADMIN, "{ sources { nom etat } jeunes { edges { node { provenance { source } } } } }")
    assert vu.racines == {"sources"}
    assert refus(vu) == [("jeunes", "Query.jeunes", "PARCOURS")]
    assert not vu.nominative


def test_public_sans_personne() -> None:
    vu = decision(Profil.STATISTIQUES, '{ moi { profil } missionLocale(code: "59010") { nom } __typename }')
    assert vu.racines == {"moi", "missionLocale", "__typename"}
    assert not vu.nominative


@pytest.mark.parametrize(
    ("profil", "champ"),
    [
        (RESEAU, "ruptures(filtre: {etat: TRAITE}) { totalCount }"),
        (RESEAU, "ruptures(filtre: {prioritaire: false}) { totalCount }"),
        (RESEAU, "ruptures(tri: PRIORITE) { totalCount }"),
        (RESEAU, 'ruptures(filtre: {communes: ["59350"]}) { totalCount }'),
        (DREETS, 'jeunes(filtre: {communes: ["59350"]}) { totalCount }'),
        # The follow-up is read where a collaboration was asked: filtering by it would tell of the others.
        (CFA, "ruptures(filtre: {etat: TRAITE}) { totalCount }"),
        (CFA, "ruptures(tri: PRIORITE) { totalCount }"),
        # A priority may come from a disability, which a partner system does not read.
        (Profil.SI_PARTENAIRE, "ruptures(tri: PRIORITE) { totalCount }"),
        (Profil.SI_PARTENAIRE, "ruptures(filtre: {prioritaire: true}) { totalCount }"),
    ],
)
def test_un_critere_refuse_refuse_tout(profil: Profil, champ: str) -> None:
    with pytest.raises(ArgumentRefuse):
        decision(profil, f"{{ moi {{ profil }} {champ} }}")


@pytest.mark.parametrize(
    ("profil", "champ"),
    [
        (ML, "ruptures(filtre: {etat: TRAITE, prioritaire: true}, tri: PRIORITE) { totalCount }"),
        (RESEAU, "jeunes(tri: NOM_ASC) { totalCount }"),
        (RESEAU, "ruptures(filtre: {etat: null, statut: [RUPTURANT]}, tri: DATE_ASC) { totalCount }"),
        (Profil.SI_PARTENAIRE, "ruptures(filtre: {etat: TRAITE}) { totalCount }"),
        (CFA, 'ruptures(filtre: {communes: ["59350"]}) { totalCount }'),
    ],
)
def test_un_critere_lisible_passe(profil: Profil, champ: str) -> None:
    assert len(decision(profil, f"{{ {champ} }}").racines) == 1


@pytest.mark.parametrize(
    ("declaration", "usage", "variables"),
    [
        ("$f: FiltreRuptures", "filtre: $f", {"f": {"etat": "TRAITE"}}),
        ("$f: FiltreRuptures = {etat: TRAITE}", "filtre: $f", {}),
        ("$e: EtatTraitement", "filtre: {etat: $e}", {"e": "TRAITE"}),
        ("$t: TriRuptures! = PRIORITE", "tri: $t", {}),
    ],
)
def test_un_critere_cache_dans_une_variable(declaration: str, usage: str, variables: dict[str, object]) -> None:
    requete = f"query ({declaration}) {{ ruptures({usage}) {{ totalCount }} }}"
    with pytest.raises(ArgumentRefuse, match=r"^Le critère .* le profil TETE_DE_RESEAU ne la lit pas"):
        decision(RESEAU, requete, variables)


def test_une_variable_absente_n_est_pas_un_critere() -> None:
    requete = "query ($e: EtatTraitement) { ruptures(filtre: {etat: $e}) { totalCount } }"
    assert decision(RESEAU, requete).racines == {"ruptures"}


def test_les_criteres_sont_des_coordonnees() -> None:
    vu = decision(ML, "{ ruptures(filtre: {etat: TRAITE}, tri: PRIORITE) { totalCount } }")
    assert {"FiltreRuptures.etat", "TriRuptures.PRIORITE"} <= vu.coordonnees


def test_sans_finalite_le_nominatif_attend() -> None:
    deux = viewer(ML, Finalite.ACCOMPAGNEMENT, Finalite.PILOTAGE)
    assert decision(deux, "{ moi { categories } }").racines == {"moi"}
    vu = decision(deux, "{ moi { categories } jeunes { totalCount edges { node { nom } } } }")
    assert vu.racines == {"moi"}
    (refuse,) = vu.refus
    assert champ_refuse(refuse.coordonnee, refuse.categorie, deux, POLITIQUE) == (
        "Le champ jeunes demande la catégorie PARCOURS. Il faut déclarer la finalité ACCOMPAGNEMENT par X-Finalite."
    )


def test_une_autre_finalite_n_ouvre_rien() -> None:
    vu = decision(viewer(ML, Finalite.PILOTAGE), "{ jeunes { totalCount } }")
    assert vu.racines == frozenset()
    assert vu.categories == {CategorieDonnee.PUBLIQUE, CategorieDonnee.AGREGAT}


@pytest.mark.parametrize(
    ("finalites", "manque"),
    [
        ((Finalite.ACCOMPAGNEMENT,), "Aucune finalité ne l'ouvre à ce profil."),
        ((Finalite.PILOTAGE, Finalite.ACCOMPAGNEMENT), "Aucune finalité ne l'ouvre à ce profil."),
    ],
)
def test_un_refus_dit_la_categorie_et_qu_aucune_finalite_ne_l_ouvre(
    finalites: tuple[Finalite, ...], manque: str
) -> None:
    ml = replace(viewer(ML, *finalites), finalite=Finalite.ACCOMPAGNEMENT)
    (refuse,) = decision(ml, '{ jeune(id: "secret") { nom national: ine } }').refus
    assert champ_refuse(refuse.coordonnee, refuse.categorie, ml, POLITIQUE) == (
        "Le champ ine demande la catégorie IDENTIFIANT_NATIONAL, "
        f"que le profil MISSION_LOCALE ne lit pas pour la finalité ACCOMPAGNEMENT. {manque}"
    )


@pytest.mark.parametrize(
    ("finalites", "manque"),
    [
        ((Finalite.PILOTAGE,), "Il faudrait que le registre accorde à ce client la finalité ACCOMPAGNEMENT."),
        ((Finalite.PILOTAGE, Finalite.ACCOMPAGNEMENT), "Il faut déclarer la finalité ACCOMPAGNEMENT par X-Finalite."),
    ],
)
def test_un_refus_dit_quelle_finalite_l_ouvrirait(finalites: tuple[Finalite, ...], manque: str) -> None:
    ml = replace(viewer(ML, *finalites), finalite=Finalite.PILOTAGE)
    (refuse,) = decision(ml, "{ jeunes { totalCount } }").refus
    assert champ_refuse(refuse.coordonnee, refuse.categorie, ml, POLITIQUE) == (
        "Le champ jeunes demande la catégorie PARCOURS, "
        f"que le profil MISSION_LOCALE ne lit pas pour la finalité PILOTAGE. {manque}"
    )


def test_un_critere_refuse_dit_ce_qui_manque() -> None:
    with pytest.raises(ArgumentRefuse) as partiel:
        decision(CFA, "{ ruptures(filtre: {etat: TRAITE}) { totalCount } }")
    assert str(partiel.value) == (
        "Le critère filtre.etat demande la catégorie SUIVI pour toutes les personnes du périmètre : "
        "le profil CFA ne la lit que pour certaines."
    )
    with pytest.raises(ArgumentRefuse, match=r"le profil DREETS ne la lit pas\. Aucune finalité ne l'ouvre"):
        decision(DREETS, '{ jeunes(filtre: {communes: ["59350"]}) { totalCount } }')


def _eventail(niveau: str, profondeur: int) -> str:
    fragments = [niveau.replace("F+", f"F{i + 1}").replace("F=", f"F{i}") for i in range(profondeur)]
    return " ".join(['{ jeune(id: "1") { ...F0 } }', *fragments, f"fragment F{profondeur} on Jeune {{ telephone }}"])


def _decider_sans_valider(requete: str) -> int:
    document = parse(requete)
    operation = get_operation_ast(document)
    assert operation is not None
    return len(decider(SCHEMA, document, operation, {}, viewer(RESEAU), POLITIQUE).refus)


def test_des_fragments_repetes_sont_lus_une_fois() -> None:
    """F3: 2^60 paths when fragments are re-expanded; one path pattern, so one error."""
    niveau = "fragment F= on Jeune { nom contrats { jeune { ...F+ ...F+ } } contrats { jeune { ...F+ } } }"
    assert _decider_sans_valider(_eventail(niveau, 60)) == 1


def test_des_alias_qui_se_ramifient_sont_arretes() -> None:
    niveau = "fragment F= on Jeune { nom a: contrats { jeune { ...F+ } } b: contrats { jeune { ...F+ } } }"
    with pytest.raises(RequeteTropCouteuse):
        _decider_sans_valider(_eventail(niveau, 60))
