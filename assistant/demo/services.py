"""What the demo's shop does beside selling, in the languages of the demo: articles that english.py and its neighbours lack.

Owns data alone.
"""

from __future__ import annotations

from typing import Any

from assistant.demo.parts import article

KNOWLEDGE: dict[str, dict[str, dict[str, Any]]] = {
    "en": {
        "Languages": article(
            "Write to me in English, German, French, Spanish or Portuguese.",
            "do you speak german", "which languages do you speak", "can i write in french", "do you understand spanish",
        ),
        "Customs": article(
            "Within the European Union there are no duties. For Switzerland, Norway and the United Kingdom they are in the price.",
            "do i have to pay customs", "are there import duties", "customs and taxes", tags=("customs", "duties", "tax"),
        ),
        "No printer": article(
            "The return label comes by e-mail within minutes. Without a printer, show its code at the post office.",
            "i have no printer", "i cannot print the label", "the return label has not come", tags=("label", "printer"),
        ),
        "How to order": article(
            "Put what you like into the cart on our page and pay at the checkout. I cannot take orders here.",
            "how do i order", "how can i buy it", "can i order here in the chat", "add it to my cart", "i will take it",
        ),
        "Receipts": article(
            "You need no receipt: the order number, or the card that you paid with, is enough.",
            "do i need the receipt", "i have lost the receipt", "can i return it without a receipt", tags=("receipt",),
        ),
        "Your data": article(
            "We keep only what your order needs, and delete your data when you ask us to.",
            "what happens to my data", "how do i delete my data", "privacy policy", "do you sell my data", "delete my account",
            tags=("privacy",),
        ),
        "Waterproof jackets": article(
            "The Drizzle is waterproof to 20,000 mm, with taped seams: it stands hours of rain.",
            "is the rain jacket waterproof", "how waterproof is the drizzle", "does the jacket keep the rain out",
            tags=("rain",),
        ),
        "Leaving the newsletter": article(
            "Each issue has a link at its end by which you leave at once.",
            "unsubscribe me", "unsubscribe from the newsletter", "stop sending me e-mails", "i do not want your newsletter any more",
        ),
    },
    "de": {
        "Sprachen": article(
            "Sie können mir auf Deutsch, Englisch, Französisch, Spanisch oder Portugiesisch schreiben.",
            "sprichst du englisch", "welche sprachen sprechen sie", "kann ich auf englisch schreiben",
        ),
        "Zoll": article(
            "In der Europäischen Union fällt keiner an. Für die Schweiz, Norwegen und Großbritannien ist er im Preis enthalten.",
            "muss ich zoll zahlen", "fallen zollgebühren an", "zoll und steuern", tags=("zoll", "einfuhr"),
        ),
        "Kein Drucker": article(
            "Das Rücksendeetikett kommt binnen Minuten per E-Mail. Ohne Drucker zeigen Sie den Code darin bei der Post.",
            "ich habe keinen drucker", "ich kann das etikett nicht drucken", "das etikett ist nicht gekommen", "wo ist das etikett",
            tags=("etikett", "drucker"),
        ),
        "So bestellen Sie": article(
            "Legen Sie auf unserer Seite in den Warenkorb, was Ihnen gefällt, und zahlen Sie an der Kasse. Hier im Chat geht das nicht.",
            "wie bestelle ich", "wie kann ich etwas kaufen", "kann ich hier im chat bestellen", "in den warenkorb", "das nehme ich", "ok nehm ich",
        ),
        "Kassenbon": article(
            "Sie brauchen keinen: Die Bestellnummer oder die Karte, mit der Sie bezahlt haben, genügt.",
            "brauche ich den kassenbon", "ich habe den bon verloren", "kann ich ohne beleg zurückgeben", tags=("bon", "beleg", "quittung"),
        ),
        "Reparaturen": article(
            "Unsere Werkstatt in Berlin repariert Zelte, Jacken und Rucksäcke. Meist dauert es zwei Wochen und kostet 15 bis 40 Euro.",
            "repariert ihr zelte", "könnt ihr meinen reißverschluss reparieren", "mein reißverschluss ist kaputt gegangen",
            "die zeltstange ist gebrochen", "gibt es einen reparaturservice", tags=("werkstatt", "reißverschluss"),
        ),
        "Verleih": article(
            "Beide Läden verleihen Zelte, Rucksäcke und Schlafsäcke, ab 12 Euro am Tag. Am besten eine Woche vorher buchen.",
            "kann ich ein zelt mieten", "kann ich ein zelt ausleihen", "verleiht ihr ausrüstung", "was kostet die miete", "was kostet es pro tag",
            tags=("mieten", "leihen"),
        ),
        "Regenjacke waschen": article(
            "Bei 30 °C mit einem Mittel für Membranen waschen, ohne Weichspüler, dann 20 Minuten bei wenig Hitze trocknen.",
            "wie wasche ich meine regenjacke", "pflegehinweise", "meine jacke ist nicht mehr dicht", tags=("pflege", "waschen"),
        ),
        "Wasserdichte Jacken": article(
            "Die Drizzle ist bis 20.000 mm wasserdicht und hat getapte Nähte: Sie hält stundenlangem Regen stand.",
            "ist die regenjacke wasserdicht", "wie wasserdicht ist die drizzle", "hält die jacke regen aus", tags=("regen",),
        ),
        "Im Laden abholen": article(
            "Wählen Sie an der Kasse „Im Laden abholen“. Nach zwei Stunden liegt es bereit, sieben Tage lang.",
            "kann ich im laden abholen", "abholung in der filiale", "bestellung selbst abholen", tags=("abholen",),
        ),
        "Offene Stellen": article(
            "Offene Stellen stehen auf unserer Karriereseite. Jede Bewerbung beantworten wir binnen zwei Wochen.",
            "habt ihr offene stellen", "habt ihr jobs", "sucht ihr mitarbeiter", "wie kann ich mich bewerben", "praktikum",
            tags=("karriere", "bewerbung"),
        ),
        "Newsletter abbestellen": article(
            "Am Ende jeder Ausgabe steht ein Link, mit dem Sie ihn sofort abbestellen.",
            "ich möchte den newsletter abbestellen", "newsletter abbestellen", "schickt mir keine mails mehr", "newsletter kündigen",
        ),
    },
    "fr": {
        "Langues": article(
            "Vous pouvez m'écrire en français, en anglais, en allemand, en espagnol ou en portugais.",
            "vous parlez anglais", "quelles langues parlez-vous", "puis-je écrire en anglais",
        ),
        "Douane": article(
            "Aucun droit dans l'Union européenne. Pour la Suisse, la Norvège et le Royaume-Uni, ils sont compris dans le prix.",
            "dois-je payer la douane", "y a-t-il des droits de douane", "taxes d'importation", tags=("douane", "taxes"),
        ),
        "Pas d'imprimante": article(
            "L'étiquette de retour arrive par e-mail en quelques minutes. Sans imprimante, montrez son code à la poste.",
            "je n'ai pas d'imprimante", "je ne peux pas imprimer l'étiquette", "je n'ai pas reçu l'étiquette", tags=("étiquette", "imprimante"),
        ),
        "Commander": article(
            "Mettez ce qui vous plaît dans le panier sur notre site et payez à la caisse. Je ne prends pas de commandes ici.",
            "comment commander", "comment acheter quelque chose", "puis-je commander ici", "ajouter au panier", "je le prends", "je la prends",
        ),
        "Ticket de caisse": article(
            "Pas besoin de ticket : le numéro de commande, ou la carte avec laquelle vous avez payé, suffit.",
            "faut-il le ticket de caisse", "j'ai perdu le ticket", "retourner sans ticket", tags=("ticket", "reçu"),
        ),
        "Réparations": article(
            "Notre atelier de Berlin répare tentes, vestes et sacs, le plus souvent en deux semaines et pour 15 à 40 euros.",
            "réparez-vous les tentes", "pouvez-vous réparer une fermeture", "la fermeture de ma veste s'est cassée",
            "un arceau de ma tente est cassé", "service de réparation", tags=("atelier", "fermeture"),
        ),
        "Location": article(
            "Les deux magasins louent tentes, sacs et sacs de couchage, dès 12 euros par jour. Réservez une semaine avant.",
            "puis-je louer une tente", "louez-vous du matériel", "prix de la location", "combien par jour", tags=("louer",),
        ),
        "Laver une veste de pluie": article(
            "À 30 °C avec une lessive pour membranes, sans adoucissant, puis 20 minutes au sèche-linge à basse température.",
            "comment laver ma veste de pluie", "conseils d'entretien", "ma veste n'est plus imperméable", tags=("entretien", "laver"),
        ),
        "Vestes imperméables": article(
            "La Drizzle est imperméable jusqu'à 20 000 mm, coutures étanchées : elle tient des heures sous la pluie.",
            "la veste de pluie est-elle imperméable", "la drizzle est-elle étanche", "la veste protège-t-elle de la pluie", tags=("pluie",),
        ),
        "Retrait en magasin": article(
            "Choisissez « retrait en magasin » à la caisse. C'est prêt en deux heures et gardé sept jours.",
            "je peux retirer en magasin", "retirer ma commande en magasin", "click and collect en magasin", tags=("retrait",),
        ),
        "Postes à pourvoir": article(
            "Nos postes sont sur la page carrières. Nous répondons à chaque candidature sous deux semaines.",
            "vous recrutez", "avez-vous des offres d'emploi", "comment postuler", "stage", tags=("emploi",),
        ),
        "Vos données": article(
            "Nous ne gardons que ce qu'il faut pour votre commande, et effaçons vos données à votre demande.",
            "que faites-vous de mes données", "comment faire effacer mes données", "confidentialité", tags=("données",),
        ),
        "Quitter la newsletter": article(
            "Un lien à la fin de chaque numéro vous désabonne aussitôt.",
            "me désabonner de la newsletter", "désabonnez-moi", "je ne veux plus recevoir vos mails",
        ),
    },
    "es": {
        "Idiomas": article(
            "Puedes escribirme en español, inglés, alemán, francés o portugués.",
            "hablas inglés", "qué idiomas hablan", "puedo escribir en inglés",
        ),
        "Aduana": article(
            "En la Unión Europea no se paga. Para Suiza, Noruega y el Reino Unido está incluida en el precio.",
            "tengo que pagar aduana", "hay aranceles", "impuestos de importación", tags=("aduana", "aranceles"),
        ),
        "Sin impresora": article(
            "La etiqueta de devolución llega por correo electrónico en minutos. Sin impresora, enseña su código en Correos.",
            "no tengo impresora", "no puedo imprimir la etiqueta", "no me ha llegado la etiqueta", "y la etiqueta", tags=("etiqueta", "impresora"),
        ),
        "Cómo comprar": article(
            "Pon lo que te guste en la cesta de nuestra página y paga en la caja. Aquí en el chat no tomo pedidos.",
            "cómo hago un pedido", "cómo puedo comprar", "puedo pedir aquí en el chat", "añadir a la cesta", "me lo llevo", "me la llevo",
        ),
        "Tique de compra": article(
            "No hace falta: basta el número de pedido o la tarjeta con la que pagaste.",
            "necesito el tique", "he perdido el recibo", "devolver sin tique", tags=("tique", "recibo", "ticket"),
        ),
        "Reparaciones": article(
            "Nuestro taller de Berlín repara tiendas de campaña, chaquetas y mochilas: casi siempre en dos semanas y por 15 a 40 euros.",
            "reparan tiendas de campaña", "pueden arreglar una cremallera", "se rompió la cremallera de mi chaqueta",
            "se rompió una varilla de la tienda", "servicio de reparación", tags=("taller", "cremallera"),
        ),
        "Alquiler": article(
            "Las dos tiendas alquilan tiendas de campaña, mochilas y sacos, desde 12 euros al día. Mejor reservar una semana antes.",
            "puedo alquilar una tienda", "alquilan equipo", "precio del alquiler", "alquilan tiendas de campaña", "cuánto es por día", tags=("alquilar",),
        ),
        "Lavar una chaqueta impermeable": article(
            "A 30 °C con un detergente para membranas, sin suavizante, y 20 minutos de secadora a baja temperatura.",
            "cómo lavo mi chaqueta impermeable", "instrucciones de cuidado", "mi chaqueta ya no es impermeable", tags=("cuidado", "lavar"),
        ),
        "Chaquetas impermeables": article(
            "La Drizzle es impermeable hasta 20.000 mm, con costuras selladas: aguanta horas de lluvia.",
            "la chaqueta es impermeable", "es impermeable la drizzle", "la chaqueta protege de la lluvia", tags=("lluvia",),
        ),
        "Recoger en tienda": article(
            "Elige «recoger en tienda» al pagar. Está listo en dos horas y se guarda siete días.",
            "puedo recogerlo en tienda", "recoger el pedido en la tienda", "recogida en tienda", tags=("recoger",),
        ),
        "Empleo": article(
            "Los puestos libres están en nuestra página de empleo. Respondemos a cada solicitud en dos semanas.",
            "están contratando", "tienen puestos de trabajo", "cómo puedo solicitar un empleo", "prácticas", tags=("trabajo",),
        ),
        "Tus datos": article(
            "Solo guardamos lo que tu pedido necesita, y borramos tus datos cuando lo pides.",
            "qué hacen con mis datos", "cómo borro mis datos", "política de privacidad", tags=("privacidad",),
        ),
        "Dejar el boletín": article(
            "Al final de cada número hay un enlace para darse de baja al momento.",
            "darme de baja del boletín", "no quiero recibir más correos", "cancelar la suscripción al boletín",
        ),
    },
    "pt": {
        "Línguas": article(
            "Pode escrever-me em português, inglês, alemão, francês ou espanhol.",
            "falam inglês", "que línguas falam", "posso escrever em inglês",
        ),
        "Alfândega": article(
            "Na União Europeia não se paga. Para a Suíça, a Noruega e o Reino Unido está incluída no preço.",
            "tenho de pagar alfândega", "há taxas alfandegárias", "impostos de importação", tags=("alfândega", "taxas"),
        ),
        "Sem impressora": article(
            "A etiqueta de devolução chega por e-mail em minutos. Sem impressora, mostre o código nos correios.",
            "não tenho impressora", "não consigo imprimir a etiqueta", "a etiqueta não chegou", tags=("etiqueta", "impressora"),
        ),
        "Como encomendar": article(
            "Ponha o que lhe agrada no cesto da nossa página e pague na caixa. Aqui no chat não recebo encomendas.",
            "como faço uma encomenda", "como posso comprar", "posso encomendar aqui no chat", "adicionar ao cesto", "vou levar", "fico com ela", "fico com ele",
        ),
        "Talão de compra": article(
            "Não é preciso: basta o número da encomenda ou o cartão com que pagou.",
            "preciso do talão", "perdi o recibo", "devolver sem talão", tags=("talão", "recibo"),
        ),
        "Reparações": article(
            "A nossa oficina de Berlim repara tendas, casacos e mochilas, quase sempre em duas semanas e por 15 a 40 euros.",
            "reparam tendas", "podem arranjar um fecho", "o fecho do casaco estragou-se", "partiu-se uma vareta da tenda",
            "serviço de reparação", tags=("oficina", "fecho"),
        ),
        "Aluguer": article(
            "As duas lojas alugam tendas, mochilas e sacos-cama, desde 12 euros por dia. Convém reservar uma semana antes.",
            "posso alugar uma tenda", "alugam equipamento", "preço do aluguer", "quanto é por dia", tags=("alugar",),
        ),
        "Lavar um casaco impermeável": article(
            "A 30 °C com detergente para membranas, sem amaciador, e 20 minutos de máquina de secar a baixa temperatura.",
            "como lavo o meu casaco impermeável", "instruções de lavagem", "o meu casaco já não é impermeável", tags=("lavagem", "lavar"),
        ),
        "Casacos impermeáveis": article(
            "O Drizzle é impermeável até 20 000 mm, com costuras seladas: aguenta horas de chuva.",
            "o casaco é impermeável", "o drizzle é impermeável", "o casaco protege da chuva", tags=("chuva",),
        ),
        "Levantar na loja": article(
            "Escolha «levantar na loja» ao pagar. Fica pronto em duas horas e guardado sete dias.",
            "posso levantar na loja", "levantar a encomenda na loja", "retirar na loja", tags=("levantar",),
        ),
        "Empregos": article(
            "As vagas estão na nossa página de carreiras. Respondemos a cada candidatura em duas semanas.",
            "estão a contratar", "têm vagas de emprego", "como me candidato", "estágio", tags=("vagas",),
        ),
        "Os seus dados": article(
            "Guardamos só o que a encomenda precisa, e apagamos os seus dados quando nos pedir.",
            "o que fazem com os meus dados", "como apago os meus dados", "política de privacidade", tags=("privacidade",),
        ),
        "Sair da newsletter": article(
            "No fim de cada número há uma ligação para deixar de a receber.",
            "cancelar a newsletter", "não quero receber mais e-mails", "remover a subscrição da newsletter",
        ),
    },
}  # fmt: skip
