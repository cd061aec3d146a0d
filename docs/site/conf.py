"""Sphinx's own settings for the site of documentation (`make docs`). What it renders was gathered by `tools.site`."""

project = "Passerelle apprentissage"
language = "fr"
extensions = ["myst_parser"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 6
# What a page of the repository shows in a language that no highlighter knows is shown as it is.
suppress_warnings = ["misc.highlighting_failure"]
nitpicky = True
templates_path = ["_templates"]
html_context = {"default_mode": "auto"}
html_theme = "pydata_sphinx_theme"
html_title = "Passerelle apprentissage"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"data-auto-add-css": "false"})]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
html_last_updated_fmt = None
html_favicon = "_static/icone.svg"
html_permalinks_icon = "#"
html_sidebars = {"index": [], "premiers-pas": [], "glossaire": []}
html_theme_options = {
    "search_bar_text": "Rechercher",
    "navbar_persistent": ["search-button-field"],
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 8,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": [],
    "footer_end": [],
    "navigation_depth": 2,
    "show_toc_level": 1,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "back_to_top_button": False,
}
