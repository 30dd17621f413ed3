"""The lists of words that ship: each theme is heard in all languages in which customers are written to."""

from pathlib import Path

import pytest

from services.metrics.config import DEFAULT, load
from services.metrics.domain.policy import MetricsPolicy
from services.metrics.domain.themes import Matcher
from shared.pages.readers import LANGUAGES

FILES = sorted(DEFAULT.parent.glob("*.yaml"))
SAID = {
    "late-delivery": {
        "en": "The parcel is delayed again.",
        "de": "Die Lieferung hat sich verzögert.",
        "es": "El paquete no ha llegado todavía.",
        "fr": "Le colis a encore du retard.",
    },
    "damaged": {
        "en": "The box was damaged.",
        "de": "Der Karton kam beschädigt an.",
        "es": "La caja venía dañada.",
        "fr": "Le carton était abîmé.",
    },
    "wrong-item": {
        "en": "You sent the wrong size.",
        "de": "Sie haben den falschen Artikel geschickt.",
        "es": "Me mandaron la talla equivocada.",
        "fr": "Ce n\u2019est pas ce que j\u2019ai commandé.",
    },
    "quality": {
        "en": "Such poor quality!",
        "de": "Alles ist schlecht verarbeitet.",
        "es": "El tejido es de mala calidad.",
        "fr": "Une couture de mauvaise qualité.",
    },
    "price": {
        "en": "It\u2019s overpriced.",
        "de": "Das ist überteuert.",
        "es": "Es demasiado caro.",
        "fr": "C\u2019est trop cher pour moi.",
    },
    "refund": {
        "en": "Where is my refund?",
        "de": "Ich warte auf die Rückerstattung.",
        "es": "Pido el reembolso.",
        "fr": "Je veux être remboursée.",
    },
    "service": {
        "en": "The clerk was rude.",
        "de": "Der Verkäufer war unfreundlich.",
        "es": "Nadie contesta al teléfono.",
        "fr": "Personne ne répond au téléphone.",
    },
    "website": {
        "en": "The checkout hangs.",
        "de": "Der Bezahlvorgang bricht ab.",
        "es": "No puedo iniciar sesión.",
        "fr": "Impossible de me connecter.",
    },
    "out-of-stock": {
        "en": "Sold out, as ever.",
        "de": "Schon wieder ausverkauft.",
        "es": "Mi talla está agotada.",
        "fr": "Toujours en rupture de stock.",
    },
    "billing": {
        "en": "I was charged twice.",
        "de": "Es wurde doppelt abgebucht.",
        "es": "Me han cobrado dos veces.",
        "fr": "J\u2019ai été débité deux fois.",
    },
    "cancelling": {
        "en": "I want to cancel.",
        "de": "Ich möchte kündigen.",
        "es": "Quiero darme de baja.",
        "fr": "Je souhaite résilier.",
    },
    "outage": {
        "en": "It is not working.",
        "de": "Es geht nicht.",
        "es": "No funciona nada.",
        "fr": "Plus rien, une panne générale.",
    },
    "login": {
        "en": "I forgot my password.",
        "de": "Ich habe das Passwort vergessen.",
        "es": "He olvidado la contraseña.",
        "fr": "J\u2019ai oublié mon mot de passe.",
    },
}
"""What people write of each theme, and of no other."""
GLAD = {
    "en": "Dear team, thank you, all is well. What a lovely gift!",
    "de": "Liebes Team, danke, alles bestens. Ein schönes Geschenk!",
    "es": "Buenas tardes. Gracias, todo perfecto, un regalo precioso. Nos vemos cara a cara.",
    "fr": "Chère équipe, cher Paul, merci, tout est parfait. Un très beau cadeau, on ne veut plus chercher.",
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_theme_is_heard_in_each_language_and_no_other_with_it(file: Path, language: str) -> None:
    policy = load(file).themes
    themes = Matcher(policy)
    found = {theme.name: themes(SAID[theme.name][language]) for theme in policy.names}
    assert found == {name: (name,) for name in found}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_who_is_glad_speaks_of_none(file: Path, language: str) -> None:
    assert Matcher(load(file).themes)(GLAD[language]) == ()


def test_a_policy_without_themes_listens_for_a_shops() -> None:
    assert MetricsPolicy(name="x").themes == load().themes
