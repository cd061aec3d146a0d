"""The words that the code is named in: English, or French of the domain as GLOSSARY.md lists it.

    python -m tools.words            prints the words that stand in neither list, and where
    python -m tools.words --learn    writes tools/english_words.txt again, from a dictionary of this machine

The list of English words holds those that names use, no other: what is added to it is seen in a review.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from tools.source import ROOT, Module, modules

FOLDERS = ("gateway", "fixtures", "tools", "bench", "tests")
ENGLISH = Path(__file__).with_name("english_words.txt")
GLOSSARY = ROOT / "GLOSSARY.md"
DICTIONARY = Path("/usr/share/dict/american-english")  # Debian's wamerican
# In an English dictionary, and French where code like this would use them.
FALSE_FRIENDS = frozenset(
    """
    affluence aide allure avis bail blocs brutes cadre champ champs comparables condenser coupe couples
    dire dix du en est et etiquette fin fondu gardes grange grouper hs il la lances le les lien liens
    lire lu memes ne ni nos pas passer plein poser pour presenter racine rang reprise reprises salve sans
    se ses si son suite suites sur tableau tires tout travail tri un une va vie vise vol vols vue
    """.split()  # noqa: SIM905 - a list of this length is read as a text
)
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
COLUMN = re.compile(r"^\| (\*\*[^|]+)\|", re.MULTILINE)
ENTRY = re.compile(r"\*\*(.+?)\*\*")


def words_of(name: str) -> list[str]:
    """The words of a name in snake or camel case, in lower case; digits and single letters are none."""
    return [word.lower() for word in WORD.findall(name) if len(word) > 1]


def names_of(module: Module) -> Iterator[str]:
    """Names of the module, its folders, its classes and its public functions."""
    yield from module.path.with_suffix("").parts
    yield from (one.name for one in module.classes())
    yield from (one.name for one in module.functions() if not one.name.startswith("_"))


def glossary() -> set[str]:
    """The words of the first column of GLOSSARY.md."""
    columns = COLUMN.findall(GLOSSARY.read_text(encoding="utf-8"))
    return {word for column in columns for entry in ENTRY.findall(column) for word in words_of(entry)}


def english() -> set[str]:
    return set(ENGLISH.read_text(encoding="utf-8").split())


@cache
def used() -> Mapping[str, list[str]]:
    """Each word, and the names that use it."""
    found: dict[str, list[str]] = defaultdict(list)
    for module in modules(*FOLDERS):
        for name in names_of(module):
            for word in words_of(name):
                found[word].append(f"{module.path}: {name}")
    return found


def unknown() -> Mapping[str, list[str]]:
    """The words in neither list, with the names that use them."""
    known = english() | glossary()
    return {word: names for word, names in sorted(used().items()) if word not in known}


def learn() -> None:
    """Keep what is used of the dictionary and of the present list, which holds terms of the trade added by hand."""
    dictionary = {line.strip().lower() for line in DICTIONARY.read_text(encoding="utf-8").splitlines()}
    words = used().keys() & (dictionary | english()) - glossary() - FALSE_FRIENDS
    ENGLISH.write_text("".join(f"{word}\n" for word in sorted(words)), encoding="utf-8")


def main(arguments: list[str]) -> int:
    if "--learn" in arguments:
        learn()
    found = unknown()
    for word, names in found.items():
        print(f"{word:24} {len(names):4}  {names[0]}")
    return int(bool(found))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
