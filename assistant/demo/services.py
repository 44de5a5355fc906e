"""What the demo's shop does beside selling, in the languages of the demo: articles that english.py and its neighbours lack.

Owns data alone.
"""

from __future__ import annotations

from typing import Any


def _article(answer: str, *questions: str, tags: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"questions": list(questions), "answer": answer, "tags": list(tags)}


KNOWLEDGE: dict[str, dict[str, dict[str, Any]]] = {
    "en": {
        "Your data": _article(
            "We keep only what your order needs, and delete your data when you ask us to.",
            "what happens to my data", "how do i delete my data", "privacy policy", "do you sell my data", "delete my account",
            tags=("privacy",),
        ),
        "Waterproof jackets": _article(
            "The Drizzle is waterproof to 20,000 mm, with taped seams: it stands hours of rain.",
            "is the rain jacket waterproof", "how waterproof is the drizzle", "does the jacket keep the rain out",
            tags=("rain",),
        ),
        "Leaving the newsletter": _article(
            "Each issue has a link at its end by which you leave at once.",
            "unsubscribe me", "unsubscribe from the newsletter", "stop sending me e-mails", "i do not want your newsletter any more",
        ),
    },
    "de": {
        "Reparaturen": _article(
            "Unsere Werkstatt in Berlin repariert Zelte, Jacken und Rucksäcke. Meist dauert es zwei Wochen und kostet 15 bis 40 Euro.",
            "repariert ihr zelte", "könnt ihr meinen reißverschluss reparieren", "mein reißverschluss ist kaputt gegangen",
            "die zeltstange ist gebrochen", "gibt es einen reparaturservice", tags=("werkstatt", "reißverschluss"),
        ),
        "Verleih": _article(
            "Beide Läden verleihen Zelte, Rucksäcke und Schlafsäcke, ab 12 Euro am Tag. Am besten eine Woche vorher buchen.",
            "kann ich ein zelt mieten", "kann ich ein zelt ausleihen", "verleiht ihr ausrüstung", "was kostet die miete",
            tags=("mieten", "leihen"),
        ),
        "Regenjacke waschen": _article(
            "Bei 30 °C mit einem Mittel für Membranen waschen, ohne Weichspüler, dann 20 Minuten bei wenig Hitze trocknen.",
            "wie wasche ich meine regenjacke", "pflegehinweise", "meine jacke ist nicht mehr dicht", tags=("pflege", "waschen"),
        ),
        "Wasserdichte Jacken": _article(
            "Die Drizzle ist bis 20.000 mm wasserdicht und hat getapte Nähte: Sie hält stundenlangem Regen stand.",
            "ist die regenjacke wasserdicht", "wie wasserdicht ist die drizzle", "hält die jacke regen aus", tags=("regen",),
        ),
        "Im Laden abholen": _article(
            "Wählen Sie an der Kasse „Im Laden abholen“. Nach zwei Stunden liegt es bereit, sieben Tage lang.",
            "kann ich im laden abholen", "abholung in der filiale", "bestellung selbst abholen", tags=("abholen",),
        ),
        "Offene Stellen": _article(
            "Offene Stellen stehen auf unserer Karriereseite. Jede Bewerbung beantworten wir binnen zwei Wochen.",
            "habt ihr offene stellen", "habt ihr jobs", "sucht ihr mitarbeiter", "wie kann ich mich bewerben", "praktikum",
            tags=("karriere", "bewerbung"),
        ),
        "Newsletter abbestellen": _article(
            "Am Ende jeder Ausgabe steht ein Link, mit dem Sie ihn sofort abbestellen.",
            "ich möchte den newsletter abbestellen", "newsletter abbestellen", "schickt mir keine mails mehr", "newsletter kündigen",
        ),
    },
    "fr": {
        "Réparations": _article(
            "Notre atelier de Berlin répare tentes, vestes et sacs, le plus souvent en deux semaines et pour 15 à 40 euros.",
            "réparez-vous les tentes", "pouvez-vous réparer une fermeture", "la fermeture de ma veste s'est cassée",
            "un arceau de ma tente est cassé", "service de réparation", tags=("atelier", "fermeture"),
        ),
        "Location": _article(
            "Les deux magasins louent tentes, sacs et sacs de couchage, dès 12 euros par jour. Réservez une semaine avant.",
            "puis-je louer une tente", "louez-vous du matériel", "prix de la location", tags=("louer",),
        ),
        "Laver une veste de pluie": _article(
            "À 30 °C avec une lessive pour membranes, sans adoucissant, puis 20 minutes au sèche-linge à basse température.",
            "comment laver ma veste de pluie", "conseils d'entretien", "ma veste n'est plus imperméable", tags=("entretien", "laver"),
        ),
        "Vestes imperméables": _article(
            "La Drizzle est imperméable jusqu'à 20 000 mm, coutures étanchées : elle tient des heures sous la pluie.",
            "la veste de pluie est-elle imperméable", "la drizzle est-elle étanche", "la veste protège-t-elle de la pluie", tags=("pluie",),
        ),
        "Retrait en magasin": _article(
            "Choisissez « retrait en magasin » à la caisse. C'est prêt en deux heures et gardé sept jours.",
            "je peux retirer en magasin", "retirer ma commande en magasin", "click and collect en magasin", tags=("retrait",),
        ),
        "Postes à pourvoir": _article(
            "Nos postes sont sur la page carrières. Nous répondons à chaque candidature sous deux semaines.",
            "vous recrutez", "avez-vous des offres d'emploi", "comment postuler", "stage", tags=("emploi",),
        ),
        "Vos données": _article(
            "Nous ne gardons que ce qu'il faut pour votre commande, et effaçons vos données à votre demande.",
            "que faites-vous de mes données", "comment faire effacer mes données", "confidentialité", tags=("données",),
        ),
        "Quitter la newsletter": _article(
            "Un lien à la fin de chaque numéro vous désabonne aussitôt.",
            "me désabonner de la newsletter", "désabonnez-moi", "je ne veux plus recevoir vos mails",
        ),
    },
    "es": {
        "Reparaciones": _article(
            "Nuestro taller de Berlín repara tiendas de campaña, chaquetas y mochilas: casi siempre en dos semanas y por 15 a 40 euros.",
            "reparan tiendas de campaña", "pueden arreglar una cremallera", "se rompió la cremallera de mi chaqueta",
            "se rompió una varilla de la tienda", "servicio de reparación", tags=("taller", "cremallera"),
        ),
        "Alquiler": _article(
            "Las dos tiendas alquilan tiendas de campaña, mochilas y sacos, desde 12 euros al día. Mejor reservar una semana antes.",
            "puedo alquilar una tienda", "alquilan equipo", "precio del alquiler", tags=("alquilar",),
        ),
        "Lavar una chaqueta impermeable": _article(
            "A 30 °C con un detergente para membranas, sin suavizante, y 20 minutos de secadora a baja temperatura.",
            "cómo lavo mi chaqueta impermeable", "instrucciones de cuidado", "mi chaqueta ya no es impermeable", tags=("cuidado", "lavar"),
        ),
        "Chaquetas impermeables": _article(
            "La Drizzle es impermeable hasta 20.000 mm, con costuras selladas: aguanta horas de lluvia.",
            "la chaqueta es impermeable", "es impermeable la drizzle", "la chaqueta protege de la lluvia", tags=("lluvia",),
        ),
        "Recoger en tienda": _article(
            "Elige «recoger en tienda» al pagar. Está listo en dos horas y se guarda siete días.",
            "puedo recogerlo en tienda", "recoger el pedido en la tienda", "recogida en tienda", tags=("recoger",),
        ),
        "Empleo": _article(
            "Los puestos libres están en nuestra página de empleo. Respondemos a cada solicitud en dos semanas.",
            "están contratando", "tienen puestos de trabajo", "cómo puedo solicitar un empleo", "prácticas", tags=("trabajo",),
        ),
        "Tus datos": _article(
            "Solo guardamos lo que tu pedido necesita, y borramos tus datos cuando lo pides.",
            "qué hacen con mis datos", "cómo borro mis datos", "política de privacidad", tags=("privacidad",),
        ),
        "Dejar el boletín": _article(
            "Al final de cada número hay un enlace para darse de baja al momento.",
            "darme de baja del boletín", "no quiero recibir más correos", "cancelar la suscripción al boletín",
        ),
    },
    "pt": {
        "Reparações": _article(
            "A nossa oficina de Berlim repara tendas, casacos e mochilas, quase sempre em duas semanas e por 15 a 40 euros.",
            "reparam tendas", "podem arranjar um fecho", "o fecho do casaco estragou-se", "partiu-se uma vareta da tenda",
            "serviço de reparação", tags=("oficina", "fecho"),
        ),
        "Aluguer": _article(
            "As duas lojas alugam tendas, mochilas e sacos-cama, desde 12 euros por dia. Convém reservar uma semana antes.",
            "posso alugar uma tenda", "alugam equipamento", "preço do aluguer", tags=("alugar",),
        ),
        "Lavar um casaco impermeável": _article(
            "A 30 °C com detergente para membranas, sem amaciador, e 20 minutos de máquina de secar a baixa temperatura.",
            "como lavo o meu casaco impermeável", "instruções de lavagem", "o meu casaco já não é impermeável", tags=("lavagem", "lavar"),
        ),
        "Casacos impermeáveis": _article(
            "O Drizzle é impermeável até 20 000 mm, com costuras seladas: aguenta horas de chuva.",
            "o casaco é impermeável", "o drizzle é impermeável", "o casaco protege da chuva", tags=("chuva",),
        ),
        "Levantar na loja": _article(
            "Escolha «levantar na loja» ao pagar. Fica pronto em duas horas e guardado sete dias.",
            "posso levantar na loja", "levantar a encomenda na loja", "retirar na loja", tags=("levantar",),
        ),
        "Empregos": _article(
            "As vagas estão na nossa página de carreiras. Respondemos a cada candidatura em duas semanas.",
            "estão a contratar", "têm vagas de emprego", "como me candidato", "estágio", tags=("vagas",),
        ),
        "Os seus dados": _article(
            "Guardamos só o que a encomenda precisa, e apagamos os seus dados quando nos pedir.",
            "o que fazem com os meus dados", "como apago os meus dados", "política de privacidade", tags=("privacidade",),
        ),
        "Sair da newsletter": _article(
            "No fim de cada número há uma ligação para deixar de a receber.",
            "cancelar a newsletter", "não quero receber mais e-mails", "remover a subscrição da newsletter",
        ),
    },
}  # fmt: skip
