"""What a table says of the answers of its partner: how its pages follow, what an error told under a status of success means. A
path goes from object to object, for they are read before any row is."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from gateway.connectors.base import Meaning
from gateway.connectors.page_description import Paging
from gateway.connectors.table.field_paths import names_of, parse_path
from gateway.toml_file import StrictModel

_BOOLEANS = {"true", "false"}


def document_path(written: str) -> tuple[str, ...]:
    """A path of a whole document, which goes from object to object. Raises ValueError, in French."""
    steps = parse_path(written) if written else ()
    if any(step.rank is not None or step.key for step in steps):
        above = written.partition("[")[0]
        raise ValueError(f"chemin « {written} » : rien n'y choisit dans une liste ; s'arrêter à la liste, « {above} »")
    return names_of(steps)


def _leads(written: str) -> str:
    document_path(written)
    return written


WrittenPath = Annotated[str, AfterValidator(_leads)]


def _as_told(given: Any) -> Any:
    """One value or several, as the partner writes them: false and 429 are written as they are in JSON."""
    values = given if isinstance(given, list | tuple) else [given]
    return [json.dumps(one) if isinstance(one, bool | int) else one for one in values]


class PagesTable(StrictModel):
    """How the partner cuts a long answer (docs/partenaires-table.md, Les pages)."""

    numero: str = ""
    premiere: int = Field(default=1, ge=0)
    decalage: str = ""
    curseur: str = ""
    taille: str = ""
    lignes_par_page: int = Field(default=0, ge=0)
    dans: Literal["adresse", "corps"] | None = None  # corps where a query of GraphQL is sent
    lien: bool = False
    suivante: WrittenPath = ""
    encore: WrittenPath = ""
    nombre_pages: WrittenPath = ""
    total: WrittenPath = ""

    @model_validator(mode="after")
    def _coherent(self) -> "PagesTable":
        ways = [bool(self.numero), bool(self.decalage), bool(self.curseur), self.lien]
        if sum(ways) > 1 or not (any(ways) or self.suivante or self.total):
            raise ValueError(
                "numero, decalage, curseur, lien ou suivante attendu, un seul des quatre premiers ; ou total"
            )
        if self.curseur and not self.suivante:
            raise ValueError("curseur demande « suivante », le chemin du curseur de la page qui suit")
        if self.lien and self.suivante:
            raise ValueError("lien et suivante : l'un des deux dit où est la page qui suit")
        if self.nombre_pages and not self.numero:
            raise ValueError("nombre_pages demande « numero », le paramètre du numéro de page")
        if self.taille and not self.lignes_par_page:
            raise ValueError("taille demande « lignes_par_page », le nombre de lignes demandées")
        return self

    @property
    def asks(self) -> tuple[str, ...]:
        """The places where a page is asked."""
        return tuple(filter(None, (self.numero, self.decalage, self.curseur, self.taille)))

    @property
    def told(self) -> dict[str, str]:
        """Where a page tells of the next ones, by key."""
        places = {
            "suivante": self.suivante,
            "encore": self.encore,
            "nombre_pages": self.nombre_pages,
            "total": self.total,
        }
        return {key: path for key, path in places.items() if path}

    def paging(self, is_in_body: bool) -> Paging:
        """The same for who asks; `is_in_body`: where its parameters go when the table does not say."""
        return Paging(
            page=self.numero,
            first_page=self.premiere,
            offset=self.decalage,
            cursor=self.curseur,
            size=self.taille,
            in_body=self.dans == "corps" or (self.dans is None and is_in_body),
            link=self.lien,
            next=document_path(self.suivante),
            more=document_path(self.encore),
            pages=document_path(self.nombre_pages),
            total=document_path(self.total),
        )


Told = Annotated[tuple[str, ...], BeforeValidator(_as_told), Field(min_length=1)]


class ErrorTable(StrictModel):
    """What the values at one path mean, of errors told under a status of success. `succes`: those that are none, any other is a
    failure. `tout`: whatever is filled there."""

    refus: Told | None = None
    quota: Told | None = None
    absence: Told | None = None
    panne: Told | None = None
    succes: Told | None = None
    tout: Literal["refus", "quota", "absence", "panne"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        if isinstance(given, bool | int | list):
            raise ValueError("{ refus = …, quota = …, absence = …, panne = …, succes = … } attendu, avec leurs valeurs")
        return {"tout": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _told(self) -> "ErrorTable":
        if not self.succes and not any(True for _ in self.meanings()):
            raise ValueError("refus, quota, absence, panne ou succes attendu, avec ses valeurs")
        if self.succes and self.tout:
            raise ValueError("succes et tout : l'un des deux ; ce que « succes » ne liste pas est une panne")
        return self

    def meanings(self) -> Iterator[tuple[Meaning, tuple[str, ...]]]:
        """Each meaning and its values; none for whatever is filled."""
        for meaning in Meaning:
            if values := getattr(self, meaning.value):
                yield meaning, values
        if self.tout:
            yield Meaning(self.tout), ()

    @property
    def known(self) -> tuple[str, ...]:
        """The values that are listed, whatever they mean; of one boolean, the other too. None where all that is filled is
        told."""
        if self.tout:
            return ()
        listed = {value for _, values in self.meanings() for value in values} | {*(self.succes or ())}
        return tuple(sorted(listed | _BOOLEANS if {one.lower() for one in listed} <= _BOOLEANS else listed))
