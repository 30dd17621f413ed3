"""Mails as programs write them, in ``data/``."""

from pathlib import Path

DATA = Path(__file__).parent / "data"
PEOPLE = ("gmail", "outlook", "outlook_html", "apple", "mutt", "thunderbird", "group")
AWAY = ("away_en", "away_de", "away_fr", "away_es")


def recorded(name: str) -> bytes:
    """As it comes over the wire: its lines end by CR LF."""
    return (DATA / f"{name}.eml").read_bytes().replace(b"\n", b"\r\n")
