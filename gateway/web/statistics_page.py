"""The public page of figures, and the index: HTML written by the server, no script, nothing from elsewhere. Knows no count and no
rule of secrecy: it shows what the files of figures tell, and says what is secret as they do."""

from collections.abc import Sequence
from datetime import date
from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.config import HttpSettings
from gateway.errors import CallerError, ConfigurationError
from gateway.schema.statistics import LigneStatistique, Statistiques
from gateway.statistiques.public_figures import PublicFigures
from gateway.statistiques.public_page import PublicPage, public_page
from gateway.system_reasons import reason_of
from gateway.web.html_document import POLICY, html_document
from gateway.web.plots import Caption, Curve, Point, bars, curves, number

SHEET = Path(__file__).with_name("statistiques.css")
SHEET_OF_THEME = "style.css"
HEADERS = {"content-security-policy": POLICY, "cache-control": "public, max-age=3600"}
SECRET, UNDEFINED = "secret", "non défini"
_FIVE = (
    ("apprentis", "year"),
    ("rupturants", "year"),
    ("ruptures", "year"),
    ("taux_rupture", "cohorts"),
    ("part_nouveau_contrat_6_mois", "cohorts"),
)
_CAMEL = {
    "taux_rupture": "tauxRupture",
    "taux_rupture_3_mois": "tauxRupture3Mois",
    "part_nouveau_contrat_6_mois": "partNouveauContrat6Mois",
}


def read_sheet(theme: Path | None) -> str:
    """The sheet of the page: ours, or that of a theme's folder. Raises ConfigurationError."""
    if theme is None:
        return SHEET.read_text(encoding="utf-8")
    try:
        return (theme / SHEET_OF_THEME).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"gateway.toml : statistiques.theme : {theme / SHEET_OF_THEME} : {reason_of(error)}"
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"gateway.toml : statistiques.theme : {theme / SHEET_OF_THEME} : UTF-8 attendu"
        ) from None


def page_routes(
    figures: PublicFigures | None,
    is_open: bool,
    http: HttpSettings,
    style: str | None = None,
    others: Sequence[tuple[str, str]] = (),
) -> list[BaseRoute]:
    """The index, the sheet (`style`; ours, where nothing is said), and the page where it is opened. `figures` None: no key
    protects any. `others`: further pages of the index, by address."""
    told = read_sheet(None) if style is None else style
    links = [("/statistiques", "Statistiques de l'apprentissage")] if is_open else []
    links += others
    links += [("/documentation/", "Documentation")] if http.documentation else []
    links += [("/graphql", "GraphiQL, pour essayer le graphe")] if http.graphiql else []

    async def index(request: Request) -> Response:
        return index_html(links)

    async def sheet(request: Request) -> Response:
        return Response(told, media_type="text/css", headers=HEADERS)

    async def page(request: Request) -> Response:
        if figures is None:
            return unavailable_html("L'exploitant n'a pas donné la clé qui protège les chiffres.")
        try:
            await figures.spend()
            return page_html(await public_page(figures))
        except CallerError as error:
            return unavailable_html(str(error))

    routes: list[BaseRoute] = [Route("/", index), Route("/statistiques/style.css", sheet)]
    return [*routes, Route("/statistiques", page)] if is_open else routes


def page_html(page: PublicPage) -> HTMLResponse:
    """GET /statistiques."""
    body = "".join(
        [_five(page), _by_month(page), _by_cohort(page), _delays(page), _regions(page), _definitions(page.year)]
    )
    day = _day(page.year.etat_au)
    head = (
        f"<p>Comptés au {day}. Chaque compte est protégé : arrondi à la dizaine, montré à partir de 20, et la marge dit l'écart "
        "que le vrai chiffre ne dépasse pas, 95 fois sur 100. « Provisoire » : tous n'ont pas encore été suivis jusqu'au bout. "
        '<a href="#definitions">Définitions</a>. Tout se télécharge : <a href="/statistiques/export.csv">CSV</a>, '
        '<a href="/statistiques/export.json">JSON-stat</a>, <a href="/statistiques/export.sdmx.csv">SDMX-CSV</a>.</p>'
    )
    return HTMLResponse(html_document("Statistiques de l'apprentissage", head + body), headers=HEADERS)


def unavailable_html(reason: str) -> HTMLResponse:
    """The page where no figure may be shown."""
    body = f"<p>{escape(reason)}</p><p>Réessayer plus tard.</p>"
    headers = {**HEADERS, "cache-control": "no-store"}
    return HTMLResponse(html_document("Statistiques indisponibles", body), 503, headers=headers)


def index_html(links: Sequence[tuple[str, str]]) -> HTMLResponse:
    """GET /: what is served here."""
    items = "".join(f'<li><a href="{escape(path)}">{escape(label)}</a></li>' for path, label in links)
    said = "<p>Elle répond aux systèmes inscrits, par <code>POST /graphql</code>.</p>"
    return HTMLResponse(
        html_document("Passerelle apprentissage", f"{said}<ul>{items}</ul>" if items else said), headers=HEADERS
    )


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def _five(page: PublicPage) -> str:
    cards = []
    for attribute, part in _FIVE:
        answer: Statistiques = getattr(page, part)
        name = _camel(attribute)
        definition = next(one for one in answer.defined if one.nom == name)
        value = _text(answer.total, attribute)
        margin = _margin(answer.total, name)
        span = f"du {_day(answer.periode.depuis)} au {_day(answer.periode.jusqua)}"
        when = span if name not in ("apprentis", "rupturants") else f"au {_day(answer.etat_au)}"
        cards.append(
            f'<div><dt>{escape(definition.libelle)}</dt><dd class="valeur">{value}</dd><dd>{when}{margin}</dd></div>'
        )
    return f'<h2>En bref</h2><dl class="chiffres">{"".join(cards)}</dl>{_coverage(page.year)}'


def _coverage(answer: Statistiques) -> str:
    names = {"ERP_CFA": "CFA dont le logiciel a été lu", "REGISTRE_CONTRATS": "registre des contrats"}
    told = [
        f"{names.get(one.source, one.source)} : {number(one.couverts)} sur {number(one.attendus)}"
        for one in answer.couverture
    ]
    return f"<p>Couverture. {escape(' ; '.join(told))}.</p>"


def _camel(attribute: str) -> str:
    return _CAMEL.get(attribute, attribute)


def _text(line: LigneStatistique, attribute: str) -> str:
    """A figure as it is read; what is secret is said to be."""
    value = getattr(line, attribute)
    if value is None:
        return SECRET if _camel(attribute) in line.masques else UNDEFINED
    if attribute.startswith(("taux", "part")):
        return f"{number(round(value * 100, 1))}\u202f%"
    return number(value)


def _margin(line: LigneStatistique, name: str) -> str:
    margin = next((one.valeur for one in line.marges if one.champ == name), None)
    if margin is None:
        return ""
    text = f"{number(round(margin * 100, 1))} points" if margin < 1 else number(round(margin))
    return f", à {text} près"


def _figure(caption: Caption, svg: str, head: Sequence[str], rows: Sequence[Sequence[str]], query: str) -> str:
    table = _table(caption.title, head, rows)
    return (
        f'<figure><figcaption>{escape(caption.title)}</figcaption><div class="defile" tabindex="0" role="region" '
        f'aria-label="Graphique : {escape(caption.title)}">{svg}</div></figure>'
        f"<details><summary>Les mêmes chiffres en tableau : {escape(caption.title)}</summary>{table}"
        f'<p><a href="/statistiques/export.csv?{escape(query)}">Télécharger ces chiffres (CSV)</a></p></details>'
    )


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    lines = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td class=nombre>{cell}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    return (
        f'<div class="defile" tabindex="0" role="region" aria-label="Tableau : {escape(title)}"><table>'
        f"<caption>{escape(title)}</caption><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _label(line: LigneStatistique) -> str:
    value = line.dimensions[0]
    return value.libelle or value.code


def _month(line: LigneStatistique) -> str:
    code = line.dimensions[0].code
    return f"{code[5:]}/{code[2:4]}"


def _breaks(answer: Statistiques) -> list[str]:
    return [f"{one.mois:%m/%y}" for one in answer.ruptures_de_serie]


def _query(answer: Statistiques, dimension: str) -> str:
    return f"dimensions={dimension}&depuis={answer.periode.depuis}&jusqua={answer.periode.jusqua}"


def _by_month(page: PublicPage) -> str:
    lines = page.months.lignes
    points = [Point(_month(line), line.ruptures) for line in lines]
    caption = Caption(
        "ruptures",
        "Ruptures de contrat, mois par mois",
        _said([(_label(line), _text(line, "ruptures")) for line in lines]),
    )
    rows = [(_label(line), _text(line, "ruptures"), _text(line, "rupturants")) for line in lines]
    head = ("Mois", "Ruptures", "En rupture à la fin du mois")
    plot = bars(caption, points, _breaks(page.months))
    note = "<p>« s » : secret, ce qui n'est pas zéro.</p>"
    return f"<h2>Ruptures</h2>{note}{_figure(caption, plot, head, rows, _query(page.months, 'MOIS'))}"


def _said(told: Sequence[tuple[str, str]]) -> str:
    return " ; ".join(f"{label} : {text}" for label, text in told)


def _by_cohort(page: PublicPage) -> str:
    lines = page.months.lignes
    titles = (("taux_rupture_3_mois", "à 3 mois"), ("taux_rupture", "à 9 mois"))
    told = [
        Curve(name, [Point(_month(one), _percent(getattr(one, attribute)), one.provisoire) for one in lines], rank == 1)
        for rank, (attribute, name) in enumerate(titles)
    ]
    title = "Taux de rupture des contrats, selon leur mois de début"
    said = _said(
        [
            (_label(one), f"{_text(one, 'taux_rupture_3_mois')} à 3 mois, {_text(one, 'taux_rupture')} à 9 mois")
            for one in lines
        ]
    )
    caption = Caption("taux", title, said, "\u202f%")
    rows = [
        (_label(one), _text(one, "taux_rupture_3_mois"), _text(one, "taux_rupture"), "oui" if one.provisoire else "non")
        for one in lines
    ]
    head = ("Mois de début", "À 3 mois", "À 9 mois", "Provisoire")
    note = "<p>Un point creux est provisoire. Un mois sans point est secret, ou trop récent.</p>"
    return f"<h2>Taux de rupture</h2>{note}{_figure(caption, curves(caption, told), head, rows, _query(page.months, 'MOIS'))}"


def _percent(value: float | None) -> float | None:
    return None if value is None else value * 100


def _delays(page: PublicPage) -> str:
    cohorts, homes = page.cohorts.total, page.homes.total
    quartiles = cohorts.delai_signalement_quartiles
    first, last = (number(quartiles[0]), number(quartiles[2])) if quartiles else (UNDEFINED, UNDEFINED)
    rows = [
        ("Premier signalement d'une rupture, un quart sous (jours)", first),
        ("Premier signalement, la moitié sous (jours)", _text(cohorts, "delai_signalement_median")),
        ("Premier signalement, trois quarts sous (jours)", last),
        ("Prise en charge par la Mission locale, la moitié sous (jours)", _text(homes, "delai_prise_en_charge_median")),
    ]
    return f"<h2>Délais</h2>{_table('Délais après une rupture', ('Délai', 'Jours'), rows)}"


def _regions(page: PublicPage) -> str:
    lines = page.regions.lignes
    rows = [
        (_label(one), *(_text(one, name) for name in ("apprentis", "rupturants", "ruptures", "taux_rupture_3_mois")))
        for one in lines
    ]
    head = ("Région", "Apprentis", "En rupture", "Ruptures (12 mois)", "Rompus à 3 mois")
    link = '<p><a href="/statistiques/export.csv?dimensions=REGION">Télécharger ces chiffres (CSV)</a></p>'
    return f"<h2>Régions</h2>{_table('Par région du CFA', head, rows)}{link}"


def _definitions(answer: Statistiques) -> str:
    told = "".join(
        f"<dt>{escape(one.libelle)}</dt><dd>{escape(one.numerateur)}"
        f"{f' Sur : {escape(one.denominateur)}' if one.denominateur else ''} {escape(one.fenetre)}</dd>"
        for one in answer.defined
    )
    return f'<h2 id="definitions">Définitions</h2><dl class="definitions">{told}</dl>'
