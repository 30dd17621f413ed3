"""What somebody wrote in an answer, apart from what the answer quotes. Pure, in bounded time."""

import re
from typing import NamedTuple

MOST_LINES = 2_000
"""Among so many it is looked for where a quote begins."""
_ATTRIBUTION_LINES = 4
"""Over so many lines mail programs break who wrote what they quote."""

_WROTE = (
    r"\bwrote\s*:|\bschrieb\b.{0,120}:|\ba écrit\s*:|\bescribió\s*:|\bha scritto\s*:|\bschreef\b.{0,120}:"
    r"|\bescreveu\s*:|\bskrev\b.{0,120}:|\bnapisał\(?a?\)?\s*:|写道\s*[::]|のメッセージ\s*:"
)
_BEGINS = (
    r"(on|am|le|el|il|il giorno|op|em|den|w dniu|lør|lun|mar|mié|jue|vie|mer|gio|ven)\b|\d{1,4}[./-]\d{1,2}"
    r"|\S{0,60}\s{0,2}<[^<>\s]{1,254}@[^<>\s]{1,254}>"
)
_attribution = re.compile(rf"^\s{{0,3}}(?:{_BEGINS}).{{0,400}}(?:{_WROTE})\s*$", re.IGNORECASE | re.DOTALL)
_divider = re.compile(
    r"^\s{0,3}(-{2,}|_{2,})\s{0,3}(original message|original-nachricht|ursprüngliche nachricht"
    r"|message d'origine|message original|mensaje original|messaggio originale|oorspronkelijk bericht"
    r"|forwarded message"
    r"|weitergeleitete nachricht|message transféré|mensaje reenviado)\s{0,3}(-{2,}|_{2,})?\s*$",
    re.IGNORECASE,
)
_rule = re.compile(r"^\s{0,3}_{20,}\s*$")
_from = re.compile(r"^\s{0,3}\*?(from|von|de|da|van|från|fra|od)\s?:\*?\s", re.IGNORECASE)
_sent = re.compile(
    r"^\s{0,3}\*?(sent|date|gesendet|datum|envoyé|enviado|fecha|inviato|data|verzonden|skickat|sendt)\s?:\*?\s",
    re.IGNORECASE,
)
_BLOCK_LINES = 4
"""After the line that says who it is from, within so many comes when it was sent."""


class Said(NamedTuple):
    """An answer's text in two."""

    text: str
    """What is new."""
    quoted: str
    """The rest: what it quotes, and what stands below that. Empty where nothing was cut."""


def split(text: str) -> Said:
    """An answer above what it quotes is cut there; one below it, too. Where it stands between the quoted
    lines, they are what it answers: nothing is cut."""
    lines = text.split("\n")
    cut = _quote_begins(lines)
    if cut is None:
        return _trailing(lines)
    said, quoted = lines[:cut], lines[cut:]
    if _blank(said):
        return _below(lines, cut)
    if _answers_within(quoted):
        return Said(_joined(lines), "")
    return Said(_joined(said), _joined(quoted))


def _quote_begins(lines: list[str]) -> int | None:
    for place, line in enumerate(lines[:MOST_LINES]):
        if not line.strip() or line.lstrip().startswith(">"):
            continue
        if _divider.match(line):
            return place
        if _rule.match(line) and _is_block(lines, _next(lines, place)):
            return place
        if _is_block(lines, place):
            return place
        for more in range(1, _ATTRIBUTION_LINES + 1):
            several = lines[place : place + more]
            if len(several) < more or not several[-1].strip():
                break
            if _attribution.match(" ".join(one.strip() for one in several)):
                return place
    return None


def _is_block(lines: list[str], place: int | None) -> bool:
    """Whether the headers of an earlier mail stand there, as Outlook writes them."""
    if place is None or not _from.match(lines[place]):
        return False
    return any(_sent.match(line) for line in lines[place + 1 : place + 1 + _BLOCK_LINES])


def _next(lines: list[str], place: int) -> int | None:
    return next((n for n in range(place + 1, min(place + 4, len(lines))) if lines[n].strip()), None)


def _answers_within(quoted: list[str]) -> bool:
    """Whether there are new lines between quoted ones, or after them, which a signature is not."""
    marked = [n for n, line in enumerate(quoted) if line.lstrip().startswith(">")]
    if not marked:
        return False
    within = quoted[marked[0] : marked[-1]]
    after = _unsigned(quoted[marked[-1] + 1 :])
    return any(line.strip() and not line.lstrip().startswith(">") for line in (*within, *after))


def _unsigned(lines: list[str]) -> list[str]:
    end = next((n for n, line in enumerate(lines) if line in ("-- ", "--")), len(lines))
    return lines[:end]


def _below(lines: list[str], cut: int) -> Said:
    """Nothing is above what is quoted: what stands below it is the answer."""
    marked = [n for n, line in enumerate(lines) if line.lstrip().startswith(">")]
    if not marked:
        return Said(_joined(lines), "")  # a mail that is passed on as it was
    if any(line.strip() and not line.lstrip().startswith(">") for line in lines[marked[0] : marked[-1]]):
        return Said(_joined(lines), "")
    below = lines[marked[-1] + 1 :]
    if _blank(below):
        return Said(_joined(lines), "")
    return Said(_joined(below), _joined(lines[: marked[-1] + 1]))


def _trailing(lines: list[str]) -> Said:
    """Quoted lines at the end, though nobody says whose they are."""
    end = len(lines)
    while end and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith(">")):
        end -= 1
    said, quoted = lines[:end], lines[end:]
    if _blank(said) or _blank(quoted) or any(line.lstrip().startswith(">") for line in said):
        return Said(_joined(lines), "")
    return Said(_joined(said), _joined(quoted))


def _blank(lines: list[str]) -> bool:
    return not any(line.strip() for line in lines)


def _joined(lines: list[str]) -> str:
    return "\n".join(line.rstrip() for line in lines).strip("\n")
