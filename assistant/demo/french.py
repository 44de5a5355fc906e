"""What the demo tenant's assistant knows, in French.

Owns data alone.
"""

from __future__ import annotations

from typing import Any

from assistant.demo.parts import card, place, replies

ORDER_NUMBER = {
    "prompt": "Quel est votre numéro de commande ? Il commence par AC et se trouve dans l'e-mail de confirmation.",
    "retry": "Un numéro de commande ressemble à AC-10042. Pouvez-vous vérifier ?",
}

INTENTS: dict[str, dict[str, Any]] = {
    "order_status": {
        "title": "Où est ma commande",
        "examples": [
            "c'est où", "j'attends depuis trois semaines", "pourquoi c'est si long", "ça devrait déjà être là",
            "pouvez-vous suivre AC-10042", "numéro de commande AC-10042", "où sont mes affaires",
            "quand mon colis sera-t-il livré", "j'ai commandé il y a deux semaines et je n'ai rien reçu",
            "j'ai commandé une tente et elle n'est pas arrivée",
            "où est ma commande", "commande", "ma commande", "suivre ma commande", "suivi de colis",
            "quand arrive ma commande", "mon colis n'est pas arrivé", "où en est ma commande",
            "ma commande est-elle partie", "j'attends toujours ma commande", "où est mon colis", "numéro de suivi",
        ],
        "slots": {
            "order_number": ORDER_NUMBER,
        },
        "reply": "La commande {order_number} a quitté notre entrepôt et se trouve chez le transporteur. Vous "
                 "devriez la recevoir dans un ou deux jours.",
    },
    "cancel_order": {
        "title": "Annuler une commande",
        "examples": [
            "je veux l'annuler",
            "je me suis trompé, arrêtez la commande", "stoppez ma commande",
            "annulez ma commande",
            "annuler ma commande", "je veux annuler une commande", "annulez la commande AC-10042 s'il vous plaît",
            "puis-je encore annuler ma commande", "j'ai commandé par erreur", "annulation de commande",
        ],
        "slots": {
            "order_number": ORDER_NUMBER,
        },
        "reply": "J'ai demandé à l'entrepôt d'arrêter la commande {order_number}. Un collègue vous le "
                 "confirme ici dans un instant.",
    },
    "return_item": {
        "title": "Retourner un article",
        "examples": [
            "retourner AC-10042", "je veux renvoyer la commande AC-10042",
            "la couleur ne me plaît pas, je peux le rendre", "un retour", "retours", "retour d'un article",
            "je voudrais l'échanger contre une plus grande",
            "je veux rendre mes chaussures", "rendre un article",
            "je voudrais un remboursement", "faire un retour",
            "mauvaise taille reçue", "vous m'avez envoyé la mauvaise taille", "je me suis trompé de taille",
            "retour", "je veux retourner un article", "comment retourner un article", "renvoyer ma veste",
            "j'ai besoin d'une étiquette de retour", "les chaussures ne me vont pas", "c'est trop petit",
            "échanger contre une autre taille", "je veux être remboursé", "remboursement",
            "comment se passe un retour", "renvoyer un colis",
        ],
        "slots": {
            "reason": {
                "prompt": "Volontiers. Pourquoi le renvoyez-vous ?",
                "choices": ["Mauvaise taille", "Défectueux", "J'ai changé d'avis"],
            },
            "order_number": ORDER_NUMBER,
        },
        "reply": "C'est noté : {order_number}, {reason}. L'étiquette de retour est en route vers votre boîte "
                 "mail. Déposez le colis dans un bureau de poste sous 60 jours ; le remboursement prend ensuite 3 à 5 jours.",
    },
    "shipping_times": {
        "title": "Délais de livraison",
        "examples": [
            "vous livrez en suisse, c'est combien", "combien coûte l'envoi à l'étranger", "plus vite, c'est possible",
            "j'en ai besoin pour vendredi", "est-ce que ça arrive avant le week-end", "il me le faut pour demain", "combien coûte la livraison en belgique",
            "dois-je payer les frais de port", "l'express est rapide",
            "combien de temps prend la livraison", "délai de livraison", "frais de port",
            "combien coûte la livraison", "la livraison est-elle gratuite", "avez-vous une livraison express",
            "sous combien de jours livrez-vous", "c'est long",
        ],
        "reply": "La livraison standard prend 2 à 4 jours ouvrés et est gratuite dès 50 euros (sinon 4,90). "
                 "En express, vous recevez tout le jour ouvré suivant pour 9,90, si vous commandez avant 14 h.",
    },
    "opening_hours": {
        "title": "Horaires",
        "examples": [
            "vous ouvrez quand", "quand ouvrez-vous",
            "horaires d'ouverture", "quand êtes-vous ouverts", "à quelle heure ouvrez-vous",
            "êtes-vous ouverts le dimanche", "à quelle heure ferme le magasin", "horaires", "ouvert aujourd'hui",
            "êtes-vous ouverts le samedi",
        ],
        "reply": replies(
            "Nos magasins sont ouverts du lundi au samedi, de 9 h à 19 h, et fermés les dimanches et jours fériés.",
            ("Trouver un magasin", "intent:store_locations"),
        ),
    },
    "store_locations": {
        "title": "Trouver un magasin",
        "examples": [
            "où êtes-vous", "où se trouve votre boutique",
            "où sont vos magasins", "magasin près de chez moi", "adresse du magasin", "avez-vous un magasin à berlin",
            "où puis-je vous trouver", "comment venir au magasin",
        ],
        "reply": [
            "Nous avons deux magasins : l'un à Berlin, l'autre à Hambourg.",
            place("Acorn Outdoor Berlin", "Beispielstraße 12, 10115 Berlin", 52.5321, 13.3849),
            place("Acorn Outdoor Hamburg", "Musterweg 3, 20095 Hamburg", 53.5511, 10.0012),
        ],
    },
    "recommend": {
        "title": "Nos conseils",
        "examples": [
            "une tente pour trois personnes", "une veste pour une femme", "que conseillez-vous pour l'hiver",
            "un conseil pour une randonnée",
            "une tente pour deux", "quelle tente pour trois personnes", "une bonne tente pour un couple",
            "pouvez-vous me conseiller", "quelle tente acheter", "je cherche une veste", "je cherche une tente",
            "j'ai besoin de chaussures de randonnée", "quel sac à dos me conseillez-vous", "que vendez-vous",
            "montrez-moi vos tentes", "idées cadeaux", "nouveautés", "il me faut un sac de couchage",
        ],
        "reply": [
            "Voici ce qui plaît le plus cette saison :",
            {
                "type": "carousel",
                "cards": [
                    card("Tente Oak 2", "Deux places, 2,1 kg, montée en quatre minutes · 249 €", "Oak 2", "En stock ?"),
                    card("Veste Drizzle", "Imperméable, se range dans sa poche · 129 €", "Drizzle", "En stock ?"),
                    card("Sac à dos Ridge 40", "40 litres, s'adapte à tous les dos · 159 €", "Ridge 40", "En stock ?"),
                ],
            },
        ],
    },
    "stock": {
        "title": "Disponibilité",
        "examples": [
            "est-ce en stock", "l'avez-vous en taille M", "la tente oak est-elle disponible",
            "quand sera-t-il de nouveau disponible", "la veste de pluie est-elle encore disponible",
            "rupture de stock", "vérifier la disponibilité",
        ],
        "slots": {
            "product": {
                "prompt": "Quel article dois-je vérifier ?",
                "choices": ["Tente Oak 2", "Veste Drizzle", "Sac à dos Ridge 40"],
            },
        },
        "reply": "{product} : en stock. Commandé avant 14 h, expédié aujourd'hui.",
    },
    "discount": {
        "title": "Réductions",
        "examples": [
            "c'est trop cher pour moi",
            "avez-vous un code promo", "réduction", "bon de réduction", "y a-t-il des soldes", "réduction étudiant", "je suis étudiant",
            "mon code promo ne marche pas", "offres spéciales", "puis-je l'avoir moins cher",
        ],
        "reply": "Les abonnés à notre lettre d'information ont 10 % sur leur première commande, les étudiants "
                 "15 % avec une carte valable.",
    },
    "complaint": {
        "title": "Réclamation",
        "examples": [
            "vous m'avez facturé deux fois",
            "tente cassée", "veste déchirée",
            "AC-10042 est arrivée cassée",
            "ma tente est arrivée cassée", "c'est le pire service", "c'est une honte",
            "la fermeture est déjà cassée, c'est inadmissible",
            "le mauvais montant a été prélevé", "ma carte a été débitée en double", "j'ai payé deux fois",
            "vous m'avez pris trop d'argent", "c'est ridicule", "vous vous moquez de moi", "j'en ai assez",
            "quelle mauvaise plaisanterie",
            "le colis est arrivé abîmé", "mon paquet est cassé", "j'ai été débité deux fois",
            "je veux faire une réclamation", "réclamation", "c'est inacceptable", "l'article est arrivé cassé",
            "mon colis est abîmé", "vous m'avez envoyé le mauvais article", "il manque quelque chose dans mon colis",
            "je suis très mécontent", "votre service est nul",
        ],
        "slots": {
            "problem": {
                "prompt": "J'en suis désolé. Dites-moi en quelques mots ce qui s'est passé.",
            },
        },
        "reply": "Merci. Je l'ai transmis tel quel, et un collègue vous répond ici.",
    },
    "newsletter": {
        "title": "Newsletter",
        "examples": [
            "m'abonner à la newsletter", "je veux recevoir la newsletter", "inscription à la lettre d'information",
            "envoyez-moi vos offres par mail",
        ],
        "slots": {
            "email": {
                "prompt": "À quelle adresse e-mail l'envoyer ?",
                "retry": "Cela ne ressemble pas à une adresse e-mail. Pouvez-vous la vérifier ?",
            },
        },
        "reply": "C'est fait : nous avons envoyé une confirmation à {email}. Ouvrez-la une fois pour commencer.",
    },
    "greeting": {
        "title": "Bienvenue",
        "reply": replies(
            "Bonjour et bienvenue chez Acorn Outdoor ! Que puis-je faire pour vous ?",
            ("Où est ma commande", "intent:order_status"), ("Retourner un article", "intent:return_item"), ("Nos conseils", "intent:recommend"),
        ),
    },
}  # fmt: skip

KNOWLEDGE: dict[str, dict[str, Any]] = {
    "Nous joindre": {
        "questions": [
            "quel est votre numéro de téléphone",
            "comment vous joindre", "puis-je vous appeler", "comment vous contacter",
            "quelle est votre adresse e-mail", "avez-vous une ligne d'assistance",
        ],
        "answer": "Vous nous joignez au +49 30 5550 142, du lundi au samedi de 9 h à 19 h, à "
                  "service@acorn-outdoor.example, et ici à toute heure.",
        "tags": ["téléphone", "appel", "contact"],
    },
    "Remboursements": {
        "questions": [
            "AC-10042 est-elle remboursée",
            "où est mon argent", "j'ai renvoyé l'article, quand serai-je remboursé",
            "je n'ai toujours pas été remboursé",
            "quand serai-je remboursé", "j'attends toujours mon remboursement",
            "où en est mon remboursement", "combien de temps prend un remboursement"],
        "answer": "Vous êtes remboursé 3 à 5 jours ouvrés après que l'article nous est revenu.",
        "tags": ["remboursement", "argent"],
    },
    "Moyens de paiement": {
        "questions": [
            "puis-je payer par carte", "puis-je payer en trois fois",
            "comment puis-je payer", "quelles cartes acceptez-vous", "puis-je payer avec paypal",
            "moyens de paiement",
        ],
        "answer": "Vous pouvez payer par Visa, Mastercard, PayPal, virement ou sur facture à 14 jours.",
        "tags": ["paiement", "carte", "facture"],
    },
    "Conditions de retour": {
        "questions": [
            "combien de temps ai-je", "et si ça ne me plaît pas", "combien coûte le retour",
            "puis-je le rendre en magasin", "dois-je payer le retour",
            "quel est le délai de retour", "jusqu'à quand puis-je échanger",
            "combien de jours pour renvoyer", "jusqu'à quand puis-je renvoyer un article",
                      "combien de temps ai-je pour retourner", "le retour est-il gratuit", "politique de retour",
        ],
        "answer": "Les articles non utilisés se retournent gratuitement sous 60 jours, en magasin ou par la "
                 "poste. Même soldés.",
        "tags": ["délai"],
    },
    "Pays livrés": {
        "questions": [
            "livrez-vous à l'étranger", "dans quels pays livrez-vous", "livrez-vous en suisse",
        ],
        "answer": "Nous livrons dans toute l'Union européenne, en Suisse, en Norvège et au Royaume-Uni.",
        "tags": ["international", "étranger"],
    },
    "Garantie des produits": {
        "questions": [
            "quelle est la durée de la garantie", "que couvre la garantie",
        ],
        "answer": "Tout ce que nous fabriquons est garanti cinq ans, matière et façon. L'usure n'est pas couverte.",
        "tags": ["garantie"],
    },
    "Changer l'adresse": {
        "questions": [
            "je veux changer l'adresse de AC-10042",
            "puis-je changer l'adresse de livraison", "je me suis trompé d'adresse",
        ],
        "answer": "Tant que la commande n'est pas emballée, vous pouvez changer l'adresse dans votre compte, "
                 "sous « Commandes ».",
        "tags": ["adresse"],
    },
    "Mot de passe oublié": {
        "questions": [
            "j'ai oublié mon mot de passe", "je ne peux pas me connecter", "réinitialiser mon mot de passe",
        ],
        "answer": "Choisissez « mot de passe oublié » sur la page de connexion. Le lien que nous envoyons est "
                 "valable une heure.",
        "tags": ["compte", "connexion"],
    },
    "Cartes cadeaux": {
        "questions": [
            "vendez-vous des cartes cadeaux", "combien de temps est valable une carte cadeau",
        ],
        "answer": "Les cartes cadeaux vont de 10 à 500 euros. Elles sont valables trois ans, en ligne et en magasin.",
        "tags": ["cadeau"],
    },
}  # fmt: skip
