"""Telephone numbers as the v3 contract reads them (docs/reception.md), by the tables of libphonenumber. Pure."""

import re
from typing import Any

import phonenumbers
from phonenumbers import PhoneNumberType

from gateway.reception.readers import FORM, Refused, written

_DIALLED = re.compile(r"\+?\d+", re.ASCII)
# Numbers that reach nobody: of services, or paid by who calls.
_SPECIAL = (
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.PAGER,
    PhoneNumberType.VOICEMAIL,
    PhoneNumberType.SHARED_COST,
)
# Without country code, these three digits are those of an overseas territory.
_OVERSEAS = {
    **dict.fromkeys(("690", "590"), "GP"),
    **dict.fromkeys(("694", "594"), "GF"),
    **dict.fromkeys(("696", "596"), "MQ"),
    **dict.fromkeys(("692", "693", "262", "269"), "RE"),
}


def telephone(value: Any) -> str | None:
    """A number that reaches somebody: 0XXXXXXXXX in France, else with its country code. "" is absent."""
    dialled = re.sub(r"[-.()\s]", "", written(value).strip())
    if not dialled:
        return None
    try:
        number = phonenumbers.parse(dialled, _region(dialled)) if _DIALLED.fullmatch(dialled) else None
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise Refused(FORM)
    if phonenumbers.number_type(number) in _SPECIAL:
        raise Refused("Numéro de téléphone est un numéro spécial")
    if not phonenumbers.is_valid_number(number):
        raise Refused("Numéro de téléphone invalide")
    if phonenumbers.region_code_for_number(number) == "FR":
        return f"0{number.national_number}"
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _region(dialled: str) -> str:
    return _OVERSEAS.get(dialled.removeprefix("0")[:3], "FR")
