"""Names under which partners tell the fields of a table: what a guess of their pages knows. Pure data."""

from collections.abc import Mapping

# Names under which partners tell a field, letters and digits only; the last key of a path, or the last two together.
NAMES: Mapping[str, Mapping[str, str]] = {
    "jeune": {
        "cle": r"(id|n|no|num|numero)?(dossier|eleve|apprenti|apprenant)?(id)?|u?uid|guid|ref|reference|identifiant|matricule|"
        r"code",
        "nom": r"nom|nomnaissance|nomfamille|nomdefamille|lastname|familyname|patronyme|elevenom",
        "prenom": r"prenom|prenoms|prenom1|firstname|givenname|eleveprenom",
        "date_naissance": r"naissance|datenaissance|datedenaissance|ne|neele|nele|birthdate|dateofbirth|elevedatenaissance",
        "autre_nom": r"nomusage|nomdusage|nommarital|autrenom",
        "sexe": r"sexe|genre|civilite|gender",
        "ine": r"ine|numeroine|codeine",
        "rqth": r"rqth|handicap|travailleurhandicape",
        "telephone": r"portable|mobile|telportable|telephone|tel|tel1|telephone1|portable1|phone",
        "courriel": r"courriel|mail|email|adressemail|mel",
        "adresse.voie": r"voie|rue|street|adresse1|ligne1|adresse|elevedresse1|libellevoie",
        "adresse.code_postal": r"codepostal|cp|zip|postalcode|elevecodepostal",
        "adresse.ville": r"ville|commune|city|localite|eleveville",
        "adresse.insee": r"insee|codeinsee|communeinsee",
        "uai": r"uai|codeuai|cfauai|uaicfa|rne|etablissement",
        "modifie_le": r"modifiele|datemodification|maj|majle|updatedat|derniermodification|datemaj",
    },
    "contrat": {
        "numero": r"deca|numdeca|num|numero|numerocontrat|ncontrat|numerodeca|no|contratnumero",
        "type": r"type|typecontrat|contrattype",
        "date_debut": r"debut|datedebut|du|debutcontrat|contratdatedebut|datedebutcontrat|start|startdate",
        "date_fin": r"fin|datefin|au|fincontrat|contratdatefin|datefincontrat|end|enddate",
        "employeur.siret": r"siret|siretemployeur|entreprisesiret|employeursiret",
        "employeur.denomination": r"employeur|entreprise|companyname|raisonsociale|denomination|entreprisenom|employeurnom",
        "rupture.date": r"rupture|daterupture|contratdaterupture|dernierjour(travaille)?|lastday(worked)?|(date)?resiliation",
        "rupture.cause": r"motif|reason|motifrupture|cause|causerupture|contratmotifrupture",
    },
    "formation": {
        "intitule": r"formation|intitule|libelle|titre|formationlibelle",
        "rncp": r"rncp|codercnp|coderncp|formationrncp",
        "cfd": r"cfd|codecfd|formationcfd|codediplome",
        "niveau": r"niveau|formationniveau",
        "date_debut": r"entree|dateentree|debutsession|sessiondatedebut|debutformation|debut|datedebut|du",
        "date_fin": r"sortie|datesortie|finsession|sessiondatefin|finformation|fin|datefin|au",
    },
}
