"""What people ask a shop beside its goods, in the languages of the demo: articles that its other files lack.

Owns data alone.
"""

from __future__ import annotations

from typing import Any

from assistant.demo.parts import article

KNOWLEDGE: dict[str, dict[str, dict[str, Any]]] = {
    "en": {
        "Invoices": article(
            "The invoice is in your account under “Orders”, and came with the confirmation e-mail.",
            "i need an invoice", "where is my invoice", "can you send me the invoice", "i need a bill for my company", tags=("invoice",),
        ),
        "Trying on": article(
            "All that you see here can be tried on in both shops, without an appointment. Dogs on a lead are welcome.",
            "can i try it on in the shop", "i would like to come by and try on the boots", "do i need an appointment",
            "can i book a fitting", "are dogs allowed in the shop", "can i bring my dog", tags=("try on", "appointment", "dog"),
        ),
        "When you are not in": article(
            "The carrier comes Monday to Saturday. In its e-mail you choose the day, a neighbour or a parcel shop.",
            "what if i am not at home", "can my neighbour take the parcel", "can i choose the delivery day", "do you deliver on saturdays",
            "can you deliver it next friday", tags=("neighbour", "saturday", "day"),
        ),
        "Gift wrapping": article(
            "Tick “it is a present” at the checkout: we wrap it for 3 euros and leave the prices out.",
            "do you do gift wrapping", "can you wrap it as a present", "it is a gift", tags=("wrap",),
        ),
    },
    "de": {
        "Rechnung": article(
            "Die Rechnung steht in Ihrem Konto unter „Bestellungen“ und kam mit der Bestätigungsmail.",
            "ich brauche eine rechnung", "brauch ne rechnung", "wo ist meine rechnung", "können sie mir die rechnung schicken",
            "rechnung für die firma",
        ),
        "Anprobieren": article(
            "Alles, was Sie hier sehen, können Sie in beiden Läden ohne Termin anprobieren. Hunde an der Leine sind willkommen.",
            "kann ich das im laden anprobieren", "ich möchte vorbeikommen und die stiefel anprobieren", "brauche ich einen termin",
            "kann ich einen termin machen", "sind hunde erlaubt", "darf mein hund mit", tags=("anprobe", "termin", "hund"),
        ),
        "Wenn Sie nicht da sind": article(
            "Der Paketdienst kommt montags bis samstags. In seiner E-Mail wählen Sie den Tag, einen Nachbarn oder einen Paketshop.",
            "was ist, wenn ich nicht zu hause bin", "und wenn ich nicht da bin", "kann der nachbar das annehmen", "kann ich einen tag aussuchen",
            "liefert ihr samstags", tags=("nachbar", "samstag", "wunschtag"),
        ),
        "Geschenkverpackung": article(
            "Wählen Sie an der Kasse „Es ist ein Geschenk“: Wir packen es für 3 Euro ein, ohne Preise.",
            "könnt ihr das als geschenk einpacken", "gibt es geschenkpapier", "es ist ein geschenk", tags=("einpacken",),
        ),
        "Schuhgrößen": article(
            "Unsere Stiefel fallen normal aus. Für dicke Socken oder viele Abstiege nehmen Sie eine halbe Größe mehr.",
            "welche schuhgröße brauche ich", "welche größe soll ich nehmen", "wie fallen die schuhe aus", tags=("schuhgröße",),
        ),
    },
    "fr": {
        "Facture": article(
            "La facture est dans votre compte, sous « Commandes », et jointe à l'e-mail de confirmation.",
            "il me faut une facture", "j'ai besoin d'une facture", "où est ma facture", "pouvez-vous m'envoyer la facture", tags=("facture",),
        ),
        "Essayer": article(
            "Tout ce que vous voyez ici s'essaie dans nos deux magasins, sans rendez-vous. Les chiens en laisse sont les bienvenus.",
            "puis-je essayer en magasin", "je voudrais passer essayer les chaussures", "je peux passer l'essayer", "faut-il un rendez-vous", "prendre rendez-vous",
            "les chiens sont-ils admis", tags=("essayer", "rendez-vous", "chien"),
        ),
        "En votre absence": article(
            "Le transporteur passe du lundi au samedi. Dans son e-mail, choisissez le jour, un voisin ou un point relais.",
            "et si je ne suis pas là", "je serai pas là demain", "mon voisin peut-il le prendre", "puis-je choisir le jour de livraison",
            "vous livrez le samedi", tags=("voisin", "samedi", "absent"),
        ),
        "Paquet cadeau": article(
            "Cochez « c'est un cadeau » à la caisse : nous l'emballons pour 3 euros, sans les prix.",
            "faites-vous des paquets cadeaux", "vous pouvez emballer pour un cadeau", "c'est pour offrir", tags=("emballer",),
        ),
        "Pointures": article(
            "Nos chaussures taillent normalement. Avec de grosses chaussettes ou pour les descentes, prenez une demi-pointure de plus.",
            "quelle taille prendre", "quelle pointure choisir", "ça taille petit", "je chausse du 42", tags=("pointure",),
        ),
    },
    "es": {
        "Facturas": article(
            "La factura está en tu cuenta, en «Pedidos», y llegó con el correo de confirmación.",
            "necesito factura", "necesito una factura", "dónde está mi factura", "me pueden enviar la factura", tags=("factura",),
        ),
        "Probarse la ropa": article(
            "Todo lo que ves aquí se puede probar en nuestras dos tiendas, sin cita. Los perros con correa son bienvenidos.",
            "puedo probarme las botas en la tienda", "me gustaría pasar a probarme las botas", "necesito cita", "pedir cita",
            "puedo llevar a mi perro", tags=("probar", "cita", "perro"),
        ),
        "Si no estás en casa": article(
            "El transportista pasa de lunes a sábado. En su correo eliges el día, un vecino o un punto de recogida.",
            "no estaré en casa", "y si no estoy en casa", "lo puede recoger mi vecino", "puedo elegir el día de entrega",
            "entregan los sábados", tags=("vecino", "sábado"),
        ),
        "Papel de regalo": article(
            "Marca «es un regalo» al pagar: lo envolvemos por 3 euros, sin los precios.",
            "lo envuelven para regalo", "envuelven regalos", "es un regalo", tags=("envolver",),
        ),
        "Números de las botas": article(
            "Nuestras botas tallan normal. Con calcetines gruesos o muchas bajadas, elige medio número más.",
            "qué talla pido", "qué talla necesito", "qué número elijo", "las botas tallan pequeño", tags=("talla", "número"),
        ),
    },
    "pt": {
        "Faturas": article(
            "A fatura está na sua conta, em «Encomendas», e veio com o e-mail de confirmação.",
            "preciso de fatura", "preciso de uma fatura", "onde está a minha fatura", "podem enviar-me a fatura", tags=("fatura", "nota fiscal"),
        ),
        "Experimentar": article(
            "Tudo o que vê aqui pode experimentar nas nossas duas lojas, sem marcação. Cães com trela são bem-vindos.",
            "posso experimentar as botas na loja", "gostava de passar para experimentar as botas", "preciso de marcação", "fazer uma marcação",
            "posso levar o cão", tags=("experimentar", "marcação", "cão"),
        ),
        "Se não estiver em casa": article(
            "A transportadora passa de segunda a sábado. No e-mail dela escolhe o dia, um vizinho ou um ponto de recolha.",
            "não vou estar em casa", "e se não estiver em casa", "pode deixar no vizinho", "posso escolher o dia da entrega",
            "entregam ao sábado", tags=("vizinho", "sábado"),
        ),
        "Embrulho de presente": article(
            "Assinale «é um presente» ao pagar: embrulhamos por 3 euros, sem os preços.",
            "embrulham para presente", "podem embrulhar", "é um presente", tags=("embrulhar",),
        ),
        "Números das botas": article(
            "As nossas botas têm tamanho normal. Com meias grossas ou muitas descidas, escolha meio número acima.",
            "que tamanho peço", "que tamanho escolho", "que número calço", "as botas são justas", tags=("número",),
        ),
    },
}  # fmt: skip
