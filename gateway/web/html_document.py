"""The frame of the pages that the server writes: one sheet, no script, nothing from elsewhere. Knows no page."""

from html import escape

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def html_document(title: str, body: str) -> str:
    """A whole page; `body` is HTML, whose values were escaped."""
    return (
        '<!doctype html><html lang="fr"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="/statistiques/style.css"></head><body>'
        f'<a class="evitement" href="#contenu">Aller au contenu</a><main id="contenu"><h1>{escape(title)}</h1>{body}</main>'
        "</body></html>"
    )
