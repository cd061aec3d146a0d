"""`partenaire nouveau`: the files of a partner, from one of its pages. The page is kept with nobody in it."""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

from gateway.cli.kit.case_files import EXPECTED
from gateway.cli.kit.fictitious import Fiction
from gateway.cli.kit.guess import LAST_DAY, Guess, decoded, guess
from gateway.cli.kit.table_doubts import PATH_TO_WRITE
from gateway.connectors.table.vocabulary import WORDS
from gateway.domain.official_numbers import is_valid_uai
from gateway.errors import CommandFailed
from gateway.sources.http.decode import decoded_text
from gateway.sources.partners.load import OWN_FOLDER_FILE
from gateway.system_reasons import reason_of

NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
EXAMPLE_MAX = 1_000_000  # bytes: a page, not an export
ROWS_DOUBTED = 2
TO_WRITE = "À ÉCRIRE"
_UAI = re.compile(r"\b[0-9]{7}[A-Z]\b")
_SUFFIXES = {"lignes": "jsonl"}


def create(name: str, example: Path, folder: Path) -> tuple[Path, Guess]:
    """Write the files of a partner; its folder and what was guessed. Raises CommandFailed; overwrites nothing."""
    if not NAME.fullmatch(name):
        raise CommandFailed(f"{name} : minuscules, chiffres et tirets attendus, 40 au plus")
    own = folder / name
    if own.exists():
        raise CommandFailed(f"{own} : existe déjà : donner un autre nom, ou --vers un autre dossier")
    body = _read(example)
    found = guess(body, example.suffix)
    suffix = _SUFFIXES.get(found.format, found.format)
    (own / "cas").mkdir(parents=True)
    (own / OWN_FOLDER_FILE).write_text("\n".join(_lines(name, found)) + "\n", encoding="utf-8")
    (own / "locataires.csv").write_text("uai,siret,code\n0010856A,,A-ECRIRE\n", encoding="utf-8")
    example_page = _fictitious(body, found)
    (own / "cas" / f"exemple.{suffix}").write_bytes(example_page.encode(found.encoding, "replace"))
    named = {uai for uai in _UAI.findall(example_page) if is_valid_uai(uai)}
    found.named = len(named)
    if len(named) == 1:  # whose the fictitious page is: it is completed by `verifier --ecrire`
        told = json.dumps({"locataire": {"uai": named.pop()}})
        (own / "cas" / f"exemple{EXPECTED}").write_text(f"{told}\n", encoding="utf-8")
    return own, found


def _read(example: Path) -> bytes:
    try:
        body = example.read_bytes()
    except OSError as error:
        raise CommandFailed(f"{example} : illisible ({reason_of(error)})") from None
    if not body.strip() or len(body) > EXAMPLE_MAX:
        raise CommandFailed(f"{example} : une page d'exemple attendue, de {EXAMPLE_MAX} octets au plus")
    return body


def _fictitious(body: bytes, found: Guess) -> str:
    fiction = Fiction(random.SystemRandom())
    if found.format == "xml":
        return fiction.xml(decoded_text(body, "cp1252"))
    if found.format == "csv":
        return fiction.csv(decoded_text(body, "cp1252"), found.separator)
    document = decoded(body, found)
    if found.format == "lignes":
        return "".join(json.dumps(fiction.document(one), ensure_ascii=False) + "\n" for one in document)
    made = fiction.document(document)
    return json.dumps(made, ensure_ascii=False, indent=1) + "\n"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _lines(name: str, found: Guess) -> Iterator[str]:
    """The file, with what was guessed; what was not is to be written."""
    yield f"nom = {_text(name)}"
    yield f'base_url = "https://{name}.invalid/{{code}}"   # {TO_WRITE} ; {{code}} : le code du locataire'
    secret = f"{name.upper().replace('-', '_')}_CLE"  # the name of a variable
    yield f'acces.defaut = {{ type = "entete", nom = "X-Api-Key", secret = "{secret}" }}   # {TO_WRITE} : Les accès'
    yield from ("", "[dialecte]", f'chemin = "{PATH_TO_WRITE}"   # {TO_WRITE}')
    yield from _shape(found)
    if found.whose:
        yield f'exige = {{ {_text(found.whose)} = "{{uai}}" }}   # une page qui ne le dit pas est d\'un autre'
    if "formation" in found.fields:
        yield f"formation = {{ {', '.join(_noun('formation', found))} }}"
    for noun in {"jeune": {}, **found.fields}:
        if noun != "formation":
            yield from ("", f"[dialecte.{noun}]", *_noun(noun, found))


def _shape(found: Guess) -> Iterator[str]:
    """How a page is written, where the rows are, how days are."""
    if found.format != "json":
        yield f'format = "{found.format}"'
    if found.encoding != "utf-8" and not found.declared:
        yield f'encodage = "{found.encoding}"'
    if found.format == "csv":
        yield f"separateur = {_text(found.separator)}"
    if found.rows:
        yield f"lignes = {_text(found.rows)}"
    yield f'dates = "{found.dates}"'


def _noun(noun: str, found: Guess) -> Iterator[str]:
    """A line for each field of a noun, or for each group of them: an address, an employer, a rupture."""
    if noun in found.lists:
        yield f"lignes = {_text(found.lists[noun])}"
    yield from (f'{word} = "{TO_WRITE}"' for word in found.missing.get(noun, ()))
    fields, groups = found.fields.get(noun, {}), dict[str, dict[str, str]]()
    for word in (word for word in WORDS[noun] if word in fields):  # in the order of the document
        head, _, tail = word.partition(".")
        groups.setdefault(head, {})[tail] = _place(word, fields[word])
    for head, places in groups.items():
        inside = ", ".join(f"{tail} = {path}" for tail, path in places.items())
        yield f"{head} = {places['']}" if "" in places else f"{head} = {{ {inside} }}"


def _place(word: str, path: str) -> str:
    """Where a field is; the last day worked is the eve of a rupture."""
    is_eve = word == "rupture.date" and LAST_DAY.search(path.lower().replace("_", ""))
    return f"{{ chemin = {_text(path)}, jours = 1 }}" if is_eve else _text(path)


def told(own: Path, found: Guess) -> Iterator[str]:
    """What was done, what was not found, what to do next."""
    yield f"écrit : {own / OWN_FOLDER_FILE}, locataires.csv, cas/ ; l'exemple y est rendu fictif"
    yield f"lu comme {found.format} : {found.number} ligne(s)" + (f" sous {found.rows}" if found.rows else "")
    for noun, fields in found.fields.items():
        yield f"  {noun} : {', '.join(fields)}"
    if found.missing:
        words = (f"{noun}.{word}" for noun, words in found.missing.items() for word in words)
        yield f"non trouvé, à écrire : {', '.join(words)}"
    if "contrat" not in found.fields:
        yield "non trouvé : [dialecte.contrat] ; sans lui, aucun contrat ni aucune rupture"
        yield "si c'est le système d'une Mission locale : systeme = \"mission_locale\" dans [dialecte], puis [dialecte.suivi]"
    if found.named != 1:
        several = "plusieurs UAI" if found.named else "aucun UAI valide"
        yield f"{several} dans l'exemple : rien ne dit de quel établissement il est"
        yield f'  lu comme celui du premier de locataires.csv ; sinon : cas/exemple{EXPECTED}, {{"locataire": {{"uai": …}}}}'
    if found.number < ROWS_DOUBTED:
        yield "une seule ligne : « lignes » est à vérifier"
    total = f" ; « {found.total} » a l'air d'un total" if found.total else ""
    yield f"à décrire : [dialecte.pages], si une réponse a plusieurs pages{total}"
    yield f"ensuite : écrire l'adresse, l'accès et le chemin, puis : python -m gateway verifier {own} --ecrire"
