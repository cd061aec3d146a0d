"""What fields of persons are computed from, and why whoever reads the result may. Knows no noun, no viewer."""

from gateway.auth.policy.rules import Derivation

# What is computed from data of another category, and why whoever reads the result may (docs/graphe.md, Droits).
AGE = Derivation(
    ("Jeune.dateNaissance",),
    "L'âge ouvre ou ferme l'accompagnement et l'obligation de formation ; il ne redonne pas la date.",
)
COMPETENCE = Derivation(
    ("Jeune.adresse",), "Dit quelle Mission locale est compétente sur un territoire, jamais la rue ni la commune."
)
STATUT = Derivation(
    ("Contrat.dateDebut", "Contrat.dateFin", "Rupture.date", "Jeune.formations"),
    "Dit qu'un contrat court ou a cessé, ce que tout profil nominatif vient chercher ; jamais lequel, ni chez qui.",
)
PRIORITE = Derivation(
    ("Jeune.suivi", "Jeune.collaboration", "Jeune.rqth", "Jeune.mineur", "Jeune.statut"),
    "Un motif d'une catégorie non accordée est tu, et avec lui la priorité qu'il ferait seul.",
)

SINCE, ETAT = Derivation(("Rupture.date",)), Derivation(("Jeune.suivi",))
ETAT_SANS_CONTRAT = Derivation(
    ("Jeune.suivi", "Jeune.sansContrat"),
    "Dit qu'une attente est traitée ou non ; jamais depuis quand, ni son échéance.",
)
