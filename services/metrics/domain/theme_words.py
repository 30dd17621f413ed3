"""The themes that are listened for where the policy names none: a shop's, in English and German.

The same as in ``policies/retail.yaml``, which a test holds them to.
"""

RETAIL: dict[str, tuple[str, ...]] = {
    "late-delivery": (
        "late", "delay*", "too slow", "never arrived", "not arrived", "still waiting", "did not arrive",
        "didn't arrive", "spät", "zu spät", "verspät*", "verzöger*", "nicht angekommen", "nie angekommen",
        "immer noch nicht da", "lieferzeit*",
    ),
    "damaged": (
        "damage*", "broken", "broke", "torn", "cracked", "scratched", "defect*", "faulty", "beschädig*",
        "kaputt*", "zerbrochen*", "zerkratzt*", "gerissen*", "defekt*",
    ),
    "wrong-item": (
        "wrong item", "wrong size", "wrong colour", "wrong color", "wrong product", "not what i ordered",
        "missing item*", "falsche größe", "falsche farbe", "falscher artikel", "falschen artikel",
        "falsch geliefert", "nicht bestellt", "fehlt", "fehlte", "fehlen",
    ),
    "quality": (
        "poor quality", "bad quality", "low quality", "cheaply made", "fell apart", "qualität*",
        "schlecht verarbeitet", "minderwertig*", "billig verarbeitet",
    ),
    "price": (
        "expensive", "overpriced", "price*", "pricing", "teuer", "teurer", "überteuert*", "preis*",
    ),
    "refund": (
        "refund*", "money back", "reimburse*", "return label*", "rückerstatt*", "erstattung*",
        "geld zurück", "rücksendung*", "retoure*",
    ),
    "service": (
        "rude", "unfriendly", "no answer", "no reply", "nobody answer*", "customer service", "support",
        "hotline*", "unfreundlich*", "keine antwort", "niemand antwortet", "kundenservice*",
        "kundendienst*",
    ),
    "website": (
        "website", "web site", "checkout", "log in", "login", "app crash*", "error message*", "webseite*",
        "anmelden", "einloggen", "fehlermeldung*", "abgestürzt", "bezahlvorgang*",
    ),
    "out-of-stock": (
        "out of stock", "sold out", "not available", "unavailable", "ausverkauft*", "nicht verfügbar",
        "nicht lieferbar", "nicht vorrätig",
    ),
}  # fmt: skip
