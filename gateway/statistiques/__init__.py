"""Figures for those who steer: counted from the persons that the views show, protected once, served with their coverage.

`observations` says what is counted of a person, `cell_counts` counts it by cell of `grids`, `disclosure` protects the counts,
`figures` makes the indicators of `indicators.toml` from them, by the life table of `life_table`. All of that is pure. Each night
`nightly_pass` counts the country by `nightly_lots`, and `publication` puts in force what `disclosure_audit` lets pass.

What is kept is counts, never a row of a person (docs/decisions/0087). Knows neither HTTP nor SQL.
"""
