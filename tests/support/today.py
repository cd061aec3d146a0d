"""The day of every world of the tests."""

from datetime import date

TODAY = date(2026, 10, 15)  # a fixed day: the same people, the same ruptures, in every run
