"""Names are English words, or French words of the domain that GLOSSARY.md explains."""

from tools import words


def test_every_word_of_a_name_is_english_or_of_the_domain() -> None:
    assert dict(words.unknown()) == {}


def test_the_english_list_is_sorted_and_holds_nothing_that_no_name_uses() -> None:
    listed = words.ENGLISH.read_text(encoding="utf-8").split()
    assert listed == sorted(set(listed))
    assert set(listed) <= words.used().keys()


def test_no_word_stands_in_both_lists() -> None:
    assert words.english() & words.glossary() == set()


def test_names_are_cut_into_words() -> None:
    assert words.words_of("HTTPServer_read2_jeunes") == ["http", "server", "read", "jeunes"]
