"""Why the system refused, in French, for the operator."""

import errno

# What the system answers, in the language of whoever reads it: the system's own words are English.
_REASONS = {
    errno.ENOENT: "n'existe pas",
    errno.EACCES: "droits insuffisants",
    errno.EPERM: "opération interdite",
    errno.EISDIR: "est un dossier",
    errno.ENOTDIR: "n'est pas un dossier",
    errno.EEXIST: "existe déjà",
    errno.ENOSPC: "plus de place sur le disque",
    errno.EROFS: "disque en lecture seule",
    errno.ENAMETOOLONG: "nom trop long",
    errno.EADDRINUSE: "adresse déjà prise",
    errno.EADDRNOTAVAIL: "adresse qui n'est pas de cette machine",
}


def reason_of(error: OSError) -> str:
    """Why the system refused, in French; the code of a rare reason."""
    return _REASONS.get(error.errno or 0) or errno.errorcode.get(error.errno or 0, "refusé par le système")
