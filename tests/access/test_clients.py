"""The register of callers, and the viewer that a token and the register make together."""

import base64
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from prometheus_client import CollectorRegistry

from gateway.auth.authentication.client_register import (
    ClientMetrics,
    ClientRegister,
    client_of_key,
    close_clients,
    create_key,
    key_digest,
    unknown_organisations,
)
from gateway.auth.authentication.clients import (
    ApiKeyEntry,
    ClientQuotas,
    Principal,
    RegisteredClient,
    build_viewer,
    choose_finalite,
    read_clients,
    read_register,
)
from gateway.auth.policy.policy import Perimetre
from gateway.auth.policy.rules import Finalite, Profil
from gateway.domain.referentiel import CommuneLine, MissionLocaleRow, OrganismeRow, Referentiel
from gateway.domain.seal import Sealer
from gateway.errors import ConfigurationError, FinaliteRequired, Unauthenticated

REGISTRY = """
[clients.ml]
profil = "MISSION_LOCALE"
organisation = "59010"
nom = "Mission locale de Lille"
finalites = ["ACCOMPAGNEMENT"]
quota_personnes_jour = 500

[clients.si]
profil = "SI_PARTENAIRE"
comme = "MISSION_LOCALE"
organisation = "59010"
nom = "Système de Lille"
finalites = ["ACCOMPAGNEMENT", "PILOTAGE"]

[clients.admin]
profil = "ADMINISTRATEUR"
organisation = ""
nom = "Exploitation"
finalites = ["EXPLOITATION"]
"""


class TrainingDirectory:
    """Knows no CFA."""

    def formateurs(self, uai: str) -> frozenset[str]:
        return frozenset()

    def uais_of_reseau(self, transport: str) -> frozenset[str]:
        return frozenset()


def _write(record: Path, text: str) -> Path:
    path = record / "clients.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_registry_of_clients(tmp_path: Path) -> None:
    clients = read_clients(_write(tmp_path, REGISTRY))
    assert list(clients) == ["ml", "si", "admin"]
    assert clients["ml"].quota_personnes_jour == 500
    assert clients["si"].quota_personnes_jour is None
    assert clients["si"].finalites == (Finalite.ACCOMPAGNEMENT, Finalite.PILOTAGE)


@pytest.mark.parametrize(
    ("former", "new", "told"),
    [
        ('"MISSION_LOCALE"', '"PREFET"', "clients.ml.profil : valeur inconnue « PREFET »"),
        ('["ACCOMPAGNEMENT"]', '["CURIOSITE"]', "clients.ml.finalites.0 : valeur inconnue « CURIOSITE »"),
        ('["ACCOMPAGNEMENT"]', "[]", "clients.ml.finalites : "),
        ("quota_personnes_jour = 500", "quota = 500", "clients.ml.quota : clé inconnue"),
        ("= 500", "= 0", "clients.ml.quota_personnes_jour : "),
        ('nom = "Mission locale de Lille"\n', "", "clients.ml.nom : clé absente"),
        ('organisation = "59010"', 'organisation = ""', "organisation : obligatoire pour MISSION_LOCALE"),
        ('organisation = "59010"', 'organisation = "59 010"', "clients.ml.organisation : "),
        ('comme = "MISSION_LOCALE"\n', "", "clients.si : comme : obligatoire"),
        ('comme = "MISSION_LOCALE"', 'comme = "DREETS"', "n'agit pas comme DREETS"),
        ('profil = "SI_PARTENAIRE"', 'profil = "CFA"', "clients.si : comme : obligatoire pour SI_PARTENAIRE, interdit"),
        ("[clients.ml]", "[autres]\n[clients.ml]", "autres : clé inconnue"),
        ("[clients.ml]", "[clients.ml", "TOML invalide"),
    ],
)
def test_the_file_is_a_closed_world(tmp_path: Path, former: str, new: str, told: str) -> None:
    assert former in REGISTRY
    with pytest.raises(ConfigurationError) as raised:
        read_clients(_write(tmp_path, REGISTRY.replace(former, new, 1)))
    assert str(raised.value).startswith("clients.toml : ")
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


def test_viewer(tmp_path: Path) -> None:
    client = read_clients(_write(tmp_path, REGISTRY))["ml"]
    seen = build_viewer(Principal("ml"), client, None, TrainingDirectory())
    assert (seen.client, seen.account, seen.profil, seen.nom) == (
        "ml",
        "ml",
        Profil.MISSION_LOCALE,
        "Mission locale de Lille",
    )
    assert seen.finalite is Finalite.ACCOMPAGNEMENT
    assert seen.perimetre == Perimetre(Profil.MISSION_LOCALE, "59010")


def test_an_agent_is_the_account(tmp_path: Path) -> None:
    client = read_clients(_write(tmp_path, REGISTRY))["ml"]
    assert build_viewer(Principal("ml", "agent-7"), client, None, TrainingDirectory()).account == "agent-7"


def test_a_partner_system_has_the_perimetre_of_the_organisation_and_its_own_rights(tmp_path: Path) -> None:
    client = read_clients(_write(tmp_path, REGISTRY))["si"]
    seen = build_viewer(Principal("si"), client, "ACCOMPAGNEMENT", TrainingDirectory())
    assert seen.profil is Profil.SI_PARTENAIRE
    assert seen.perimetre == Perimetre(Profil.MISSION_LOCALE, "59010")


TWO = (Finalite.ACCOMPAGNEMENT, Finalite.PILOTAGE)


def test_chosen_finalite() -> None:
    assert choose_finalite(TWO[:1], None) is Finalite.ACCOMPAGNEMENT
    assert choose_finalite(TWO, None) is None
    assert choose_finalite(TWO, "PILOTAGE") is Finalite.PILOTAGE


@pytest.mark.parametrize(
    "requested", ["GESTION_CFA", "", "pilotage", "PILOTAGE ", "ACCOMPAGNEMENT PILOTAGE", "PILOTAGE\u200b"]
)
def test_a_finalite_outside_the_registry_is_refused(requested: str) -> None:
    with pytest.raises(FinaliteRequired) as raised:
        choose_finalite(TWO, requested)
    assert str(raised.value) == (
        "La finalité déclarée par X-Finalite n'est pas accordée à ce client. Admises : ACCOMPAGNEMENT, PILOTAGE."
    )


@pytest.mark.parametrize(("documents", "free"), [("libres", True), ("enregistres", False)])
def test_a_client_of_the_operators_documents_may_not_write_its_own(tmp_path: Path, documents: str, free: bool) -> None:
    text = REGISTRY.replace("quota_personnes_jour = 500", f'documents = "{documents}"')
    client = read_clients(_write(tmp_path, text))["ml"]
    assert build_viewer(Principal("ml"), client, None, TrainingDirectory()).free_documents is free


KEY = '\n[[clients.ml.cles]]\nempreinte = "%s"\nexpire = 2027-01-01\n'


@pytest.mark.parametrize(
    ("added", "told"),
    [
        ("", None),
        ("mfa = true", None),
        ("agent_exige = true", None),
        (KEY % ("0" * 32), None),
        ("mfa = true" + KEY % ("0" * 32), "cles : une clé d'API ne dit rien d'un second facteur"),
        ("agent_exige = true" + KEY % ("0" * 32), "cles : une clé d'API ne dit pas qui agit"),
        (KEY % ("0" * 32) + KEY % ("1" * 32), None),
        (KEY % ("0" * 32) + KEY % ("0" * 32), "cles : une même clé est donnée deux fois"),
    ],
)
def test_a_key_stands_for_neither_a_second_factor_nor_an_agent(tmp_path: Path, added: str, told: str | None) -> None:
    """docs/exploitation.md, Le second facteur: a register that asks for what its own keys cannot say would refuse them all."""
    path = _write(tmp_path, REGISTRY.replace("quota_personnes_jour = 500", added))
    if told is None:
        assert set(read_clients(path)) == {"ml", "si", "admin"}
    else:
        with pytest.raises(ConfigurationError, match=told):
            read_clients(path)


@pytest.mark.parametrize(("profil", "is_whole"), [("STATISTIQUES", True), ("ADMINISTRATEUR", True), ("DREETS", False)])
def test_who_reads_nobody_has_no_organisation_and_whoever_else_has_one(
    tmp_path: Path, profil: str, is_whole: bool
) -> None:
    path = _write(tmp_path, REGISTRY.replace('"ADMINISTRATEUR"', f'"{profil}"'))
    if is_whole:
        assert read_clients(path)["admin"].organisation == ""
    else:
        with pytest.raises(ConfigurationError, match=f"organisation : obligatoire pour {profil}"):
            read_clients(path)


@pytest.mark.parametrize(("counted", "is_whole"), [(2, False), (3, True), (4, False)])
def test_a_register_whose_last_table_counts_otherwise_is_cut(tmp_path: Path, counted: int, is_whole: bool) -> None:
    path = _write(tmp_path, f"{REGISTRY}\n[fin]\nclients = {counted}\n")
    if is_whole:
        assert read_register(path)[1]
    else:
        with pytest.raises(ConfigurationError, match=f"{counted} clients annoncés, 3 lus"):
            read_register(path)
    assert not read_register(_write(tmp_path, REGISTRY))[1]


def test_what_the_register_grants_is_what_quotas_count(tmp_path: Path) -> None:
    """docs/exploitation.md, Plafonds: each key of the register, and its default."""
    keys = {
        "quota_personnes_jour": 11,
        "quota_client_personnes_jour": 12,
        "quota_client_comptes_jour": 13,
        "quota_organisation_30_jours": 14,
        "cout_minute": 15,
        "introuvables_10_minutes": 16,
    }
    told = "\n".join(f"{name} = {value}" for name, value in keys.items())
    clients = read_clients(_write(tmp_path, REGISTRY.replace("quota_personnes_jour = 500", told)))
    assert clients["ml"].quotas == ClientQuotas(11, 12, 13, 14, 15, 16)
    assert clients["si"].quotas == ClientQuotas(None, None, 200, None, 600_000, 100)


def test_a_key_is_made_of_256_bits_drawn_anew_and_opens_to_its_client_until_its_last_day() -> None:
    sealer, keys = Sealer(bytes(32)), [create_key() for _ in range(2)]
    assert keys[0] != keys[1]
    assert [len(base64.urlsafe_b64decode(key.removeprefix("pa_") + "=")) for key in keys] == [32, 32]
    last = date(2026, 10, 15)
    known = {
        name: SimpleNamespace(cles=[ApiKeyEntry(empreinte=key_digest(sealer, key), expire=last)])
        for name, key in zip(("une", "autre"), keys, strict=True)
    }
    clients = cast("Mapping[str, RegisteredClient]", known)
    assert [client_of_key(clients, sealer, key, last) for key in keys] == ["une", "autre"]
    refused = [(keys[0], last + timedelta(days=1)), (keys[0][:-1], last), (keys[0] + "A", last), (create_key(), last)]
    refused += [("pa_" + "é" * 43, last), ("", last)]
    for key, day in refused:
        with pytest.raises(Unauthenticated):
            client_of_key(clients, sealer, key, day)
    with pytest.raises(Unauthenticated):
        client_of_key(clients, Sealer(bytes([1]) * 32), keys[0], last)


OTHER_NATURES = [
    ("MISSION_LOCALE", "32"),
    ("CFA", "60001"),
    ("DREETS", "60"),
    ("DDETS", "20"),
    ("ACADEMIE", "0600001A"),
]
OWN = [
    ("MISSION_LOCALE", "60001"),
    ("MISSION_LOCALE", "60002"),  # by its communes alone
    ("CFA", "0600001A"),
    ("TETE_DE_RESEAU", "mfr"),
    ("DREETS", "32"),
    ("FRANCE_TRAVAIL", "32"),
    ("ARML", "32"),
    ("DDETS", "60"),
    ("ACADEMIE", "20"),
    ("STATISTIQUES", ""),
    ("STATISTIQUES", "DARES"),  # of no territory: any name is its own
    ("ADMINISTRATEUR", "exploitant"),
]


@pytest.mark.parametrize(
    ("profil", "organisation", "is_known"),
    [(*one, True) for one in OWN] + [(*one, False) for one in OTHER_NATURES] + [("TETE_DE_RESEAU", "cci", False)],
)
def test_an_organisation_is_known_by_its_nature_and_its_code(
    tmp_path: Path, profil: str, organisation: str, is_known: bool
) -> None:
    """A client of an unknown one would see nobody, in silence; a code of another nature is no code (docs/domaine.md)."""
    text = REGISTRY.replace(
        '"MISSION_LOCALE"\norganisation = "59010"', f'"{profil}"\norganisation = "{organisation}"', 1
    )
    clients = {name: one for name, one in read_clients(_write(tmp_path, text)).items() if name == "ml"}
    row = OrganismeRow("0600001A", "73282932000074", "CFA", None, "60", "32", "20", ("mfr",))
    places = [CommuneLine("60057", "Beauvais", ("60000",), "60", "32", "20", "60002")]
    mission = MissionLocaleRow(1, "60001", "Beauvaisis", None, None, None)
    referentiel = Referentiel({one.code: one for one in places}, {mission.code: mission}, {row.uai: row})
    assert unknown_organisations(clients, referentiel) == (() if is_known else ("ml",))
    assert unknown_organisations(clients, Referentiel()) == (), "without a referential, nobody is a stranger"


def test_the_register_is_told_by_its_figures(tmp_path: Path) -> None:
    path = _write(tmp_path, f"{REGISTRY}\n[fin]\nclients = 3\n")
    now, figures = [100.0], CollectorRegistry()
    register = ClientRegister(path, lambda: now[0])
    ClientMetrics(figures).follow(register, lambda: ("ml", "si"))

    def told(name: str) -> float | None:
        return figures.get_sample_value(f"passerelle_clients_{name}")

    names = ("illisible_secondes", "clos", "organisation_inconnue")
    assert [told(name) for name in names] == [0, 1, 2]
    path.write_text("[clients", encoding="utf-8")
    now[0] += 11
    assert [told(name) for name in names] == [10, 1, 2], "since the look before: ten seconds at least"
    assert set(register) == {"ml", "si", "admin"}
    assert len(register) == 3
    path.write_text(REGISTRY, encoding="utf-8")  # whole, and without the table that proves it
    now[0] += 10
    assert [told(name) for name in names] == [20, 1, 2]
    assert close_clients(path) == 3
    register.reload()
    assert [told(name) for name in names] == [0, 1, 2]
    assert path.read_text(encoding="utf-8").endswith("\n\n[fin]\nclients = 3\n")
    assert (close_clients(path), path.read_text(encoding="utf-8").count("[fin]")) == (3, 1)


def test_a_register_that_cannot_be_closed_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    """Of the file that its operator wrote, and not of the draft beside it."""
    path = tmp_path / "clients.toml"
    path.write_text(
        '[clients.ml]\nprofil = "MISSION_LOCALE"\norganisation = "02001"\nnom = "x"\nagit = "x"\n', encoding="utf-8"
    )
    with pytest.raises(ConfigurationError) as refusal:
        close_clients(path)
    assert str(refusal.value).split(" : ")[0] == "clients.toml"
    assert [file.name for file in tmp_path.iterdir()] == ["clients.toml"]


def test_a_mistake_behind_the_end_of_a_register_is_told_by_its_line(tmp_path: Path) -> None:
    """`[fin]` is taken off to be written again: the lines that follow it keep their numbers."""
    path = tmp_path / "clients.toml"
    path.write_text(REGISTRY, encoding="utf-8")
    close_clients(path)
    text = path.read_text(encoding="utf-8") + "\n[clients.fautif\n"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as refusal:
        close_clients(path)
    wrong = 1 + text.splitlines().index("[clients.fautif")
    assert f"ligne {wrong}," in str(refusal.value)
    assert path.read_text(encoding="utf-8") == text
