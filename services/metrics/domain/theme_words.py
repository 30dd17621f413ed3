"""The themes that are listened for where the policy names none: a shop's, in English, German, Spanish and
French, in this order.

The same as in ``policies/retail.yaml``, which a test holds them to.
"""

RETAIL: dict[str, tuple[str, ...]] = {
    "late-delivery": (
        "late", "delay*", "too slow", "never arrived", "not arrived", "still waiting", "did not arrive",
        "didn't arrive", "spät", "zu spät", "verspät*", "verzöger*", "nicht angekommen", "nie angekommen",
        "immer noch nicht da", "lieferzeit*",
        "retras*", "demora*", "llegó tarde", "llega tarde", "llegado tarde", "demasiado tarde",
        "no ha llegado", "no me ha llegado", "no llegó", "nunca llegó", "sigo esperando",
        "plazo de entrega",
        "en retard", "du retard", "de retard", "un retard", "retards", "trop lent*", "trop tard",
        "pas arrivé*", "jamais arrivé*", "toujours rien reçu", "pas encore reçu", "jamais reçu ma commande",
        "jamais reçu mon colis", "j'attends toujours", "délai de livraison", "délais de livraison",
    ),
    "damaged": (
        "damage*", "broken", "broke", "torn", "cracked", "scratched", "defect*", "faulty", "beschädig*",
        "kaputt*", "zerbrochen*", "zerkratzt*", "gerissen*", "defekt*",
        "dañad*", "roto", "rotos", "está rota", "estaba rota", "llegó rota", "rotas", "se rompió",
        "rasgad*", "arañad*", "rayad*", "agrietad*", "estropead*", "defectuos*",
        "abîmé*", "abimé*", "endommagé*", "cassé*", "brisé*", "déchiré*", "rayé*", "fissuré*", "fêlé*",
        "défectueu*",
    ),
    "wrong-item": (
        "wrong item", "wrong size", "wrong colour", "wrong color", "wrong product", "not what i ordered",
        "missing item*", "falsche größe", "falsche farbe", "falscher artikel", "falschen artikel",
        "falsch geliefert", "nicht bestellt", "fehlt", "fehlte", "fehlen",
        "artículo equivocado", "producto equivocado", "talla equivocada", "color equivocado",
        "artículo incorrecto", "producto incorrecto", "talla incorrecta", "no es lo que pedí",
        "no es lo que había pedido", "falta un", "falta una", "faltaba*", "faltan",
        "mauvais article", "mauvais produit", "mauvaise taille", "mauvaise couleur", "pas la bonne taille",
        "pas la bonne couleur", "pas le bon article", "pas le bon produit", "pas ce que j'ai commandé",
        "pas ce que j'avais commandé", "il manque", "il manquait", "manquant*",
    ),
    "quality": (
        "poor quality", "bad quality", "low quality", "cheaply made", "fell apart", "qualität*",
        "schlecht verarbeitet", "minderwertig*", "billig verarbeitet",
        "mala calidad", "baja calidad", "poca calidad", "pésima calidad", "calidad pésima", "mal hecho",
        "mal hecha", "mal acabado", "se deshizo",
        "mauvaise qualité", "piètre qualité", "qualité médiocre", "qualité décevante",
        "de qualité inférieure", "mal fini*", "mal fait*", "bas de gamme", "camelote",
    ),
    "price": (
        "expensive", "overpriced", "price*", "pricing", "teuer", "teurer", "überteuert*", "preis*",
        "caro", "caros", "muy cara*", "demasiado cara*", "más cara*", "precio", "precios", "carísim*",
        "c'est cher", "trop cher", "trop chers", "trop chère*", "plus cher", "plus chers", "plus chère*",
        "hors de prix", "prix", "coûteu*",
    ),
    "refund": (
        "refund*", "money back", "reimburse*", "return label*", "rückerstatt*", "erstattung*",
        "geld zurück", "rücksendung*", "retoure*",
        "reembols*", "devolución", "devoluciones", "devolver el dinero", "devuelvan el dinero", "mi dinero",
        "rembours*", "mon argent", "étiquette de retour", "étiquettes de retour", "bon de retour",
        "bordereau de retour",
    ),
    "service": (
        "rude", "unfriendly", "no answer", "no reply", "nobody answer*", "customer service", "support",
        "hotline*", "unfreundlich*", "keine antwort", "niemand antwortet", "kundenservice*",
        "kundendienst*",
        "maleducad*", "groser*", "antipátic*", "sin respuesta", "nadie responde", "nadie contesta",
        "no responden", "no contestan", "atención al cliente", "servicio al cliente",
        "impoli*", "malpoli*", "pas aimable*", "aucune réponse", "pas de réponse", "sans réponse",
        "personne ne répond", "ne répond pas", "ne répondent pas", "injoignable*", "service client*",
        "service après-vente", "sav",
    ),
    "website": (
        "website", "web site", "checkout", "log in", "login", "app crash*", "error message*", "webseite*",
        "anmelden", "einloggen", "fehlermeldung*", "abgestürzt", "bezahlvorgang*",
        "página web", "sitio web", "la web", "iniciar sesión", "inicio de sesión", "mensaje de error",
        "mensajes de error", "la aplicación se cierra", "proceso de pago",
        "site web", "site internet", "votre site", "me connecter", "se connecter", "message d'erreur",
        "messages d'erreur", "l'application plante", "page de paiement",
    ),
    "out-of-stock": (
        "out of stock", "sold out", "not available", "unavailable", "ausverkauft*", "nicht verfügbar",
        "nicht lieferbar", "nicht vorrätig",
        "agotad*", "sin existencias", "sin stock", "no disponible*", "no está disponible", "fuera de stock",
        "rupture de stock", "en rupture", "épuisé*", "plus en stock", "pas en stock", "indisponible*",
        "pas disponible*", "plus disponible*",
    ),
}  # fmt: skip
