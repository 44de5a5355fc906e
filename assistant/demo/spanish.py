"""What the demo tenant's assistant knows, in Spanish.

Owns data alone.
"""

from __future__ import annotations

from typing import Any

from assistant.demo.parts import card, place, replies

ORDER_NUMBER = {
    "prompt": "¿Cuál es tu número de pedido? Empieza por AC y está en el correo de confirmación.",
    "retry": "Un número de pedido tiene esta forma: AC-10042. ¿Puedes mirarlo otra vez?",
}

INTENTS: dict[str, dict[str, Any]] = {
    "order_status": {
        "title": "Dónde está mi pedido",
        "examples": [
            "todavía no ha llegado", "y no ha llegado",
            "dónde está", "llevo esperando tres semanas", "por qué tarda tanto", "ya debería haber llegado",
            "puedes rastrear AC-10042", "número de pedido AC-10042", "dónde están mis cosas",
            "cuándo me entregan el paquete", "pedí una tienda de campaña hace dos semanas y no ha llegado",
            "pedí hace dos semanas y no me ha llegado nada",
            "dónde está mi pedido", "pedido", "mi pedido", "seguimiento de mi pedido", "rastrear mi paquete",
            "cuándo llega mi pedido", "mi paquete no ha llegado", "estado de mi pedido", "ya salió mi pedido",
            "sigo esperando mi pedido", "dónde está mi paquete", "número de seguimiento",
        ],
        "slots": {
            "order_number": ORDER_NUMBER,
        },
        "reply": "El pedido {order_number} ya salió de nuestro almacén y lo lleva el transportista. Debería "
                 "llegarte en uno o dos días.",
    },
    "cancel_order": {
        "title": "Cancelar un pedido",
        "examples": [
            "me equivoqué, paren el pedido", "detengan mi pedido",
            "cancelar mi pedido", "quiero cancelar un pedido", "cancela el pedido AC-10042 por favor",
            "todavía puedo cancelar mi pedido", "pedí por error", "anular el pedido", "cancelación",
        ],
        "slots": {
            "order_number": ORDER_NUMBER,
        },
        "reply": "He pedido al almacén que pare el pedido {order_number}. Un compañero te lo confirma aquí "
                 "enseguida.",
    },
    "return_item": {
        "title": "Devolver algo",
        "examples": [
            "devolver AC-10042", "quiero devolver el pedido AC-10042",
            "no me gusta el color, puedo devolverlo",
            "talla equivocada", "me enviaron otra talla", "recibí una talla equivocada",
            "devolución", "devolver", "quiero devolver algo", "cómo devuelvo un artículo",
            "quiero devolver la chaqueta", "necesito una etiqueta de devolución", "las botas no me quedan bien",
            "me queda pequeña", "cambio de talla", "quiero que me devuelvan el dinero", "reembolso",
            "cómo funcionan las devoluciones", "quiero cambiarlo por otra talla",
        ],
        "slots": {
            "reason": {
                "prompt": "Con mucho gusto. ¿Por qué lo devuelves?",
                "choices": ["Talla equivocada", "Defectuoso", "He cambiado de idea"],
            },
            "order_number": ORDER_NUMBER,
        },
        "reply": "Anotado: {order_number}, {reason}. La etiqueta de devolución va de camino a tu correo. "
                 "Entrega el paquete en cualquier oficina de correos en 60 días; el reembolso tarda de 3 a 5 días desde entonces.",
    },
    "shipping_times": {
        "title": "Plazos de entrega",
        "examples": [
            "cuánto cuesta enviar al extranjero", "puede ser más rápido",
            "lo necesito para el viernes", "llega antes del fin de semana", "lo quiero para mañana", "cuánto cuesta el envío a portugal",
            "tengo que pagar el envío",
            "cuánto tarda el envío", "plazo de entrega", "cuánto cuesta el envío", "gastos de envío",
            "es gratis el envío", "tenéis envío urgente", "cuántos días tarda en llegar",
        ],
        "reply": "El envío normal tarda de 2 a 4 días laborables y es gratis a partir de 50 euros (si no, "
                 "4,90). El urgente llega el siguiente día laborable por 9,90, si pides antes de las 14:00.",
    },
    "opening_hours": {
        "title": "Horario",
        "examples": [
            "horario", "a qué hora abren", "cuándo están abiertos", "abrís los domingos",
            "a qué hora cierra la tienda", "horario de apertura", "están abiertos hoy", "abren los sábados",
        ],
        "reply": replies(
            "Nuestras tiendas abren de lunes a sábado, de 9 a 19 h; domingos y festivos está cerrado.",
            ("Buscar una tienda", "intent:store_locations"),
        ),
    },
    "store_locations": {
        "title": "Buscar una tienda",
        "examples": [
            "tienen tienda en madrid", "hay una tienda en múnich",
            "dónde están", "dónde se encuentran",
            "dónde están sus tiendas", "hay una tienda cerca", "dirección de la tienda", "tienen tienda en berlín",
            "dónde puedo encontraros", "cómo llego a la tienda", "tiendas",
        ],
        "reply": [
            "Tenemos dos tiendas: una en Berlín y otra en Hamburgo.",
            place("Acorn Outdoor Berlin", "Beispielstraße 12, 10115 Berlin", 52.5321, 13.3849),
            place("Acorn Outdoor Hamburg", "Musterweg 3, 20095 Hamburg", 53.5511, 10.0012),
        ],
    },
    "recommend": {
        "title": "Recomendaciones",
        "examples": [
            "una tienda para tres personas", "una chaqueta para una mujer", "qué recomiendan para el invierno",
            "cuál es la mejor tienda de campaña",
            "una tienda de campaña para dos personas", "qué tienda va bien para tres",
            "me puedes recomendar algo", "qué tienda de campaña me compro", "busco una chaqueta",
            "busco una tienda de campaña", "necesito botas de montaña", "qué mochila me recomiendas", "qué vendéis",
            "enséñame mochilas", "ideas para regalar", "novedades", "necesito un saco de dormir",
        ],
        "reply": [
            "Esto es lo que más gusta esta temporada:",
            {
                "type": "carousel",
                "cards": [
                    card("Tienda Oak 2", "Dos personas, 2,1 kg, lista en cuatro minutos · 249 €", "Oak 2", "¿Hay existencias?"),
                    card("Chaqueta Drizzle", "Impermeable, cabe en su propio bolsillo · 129 €", "Drizzle", "¿Hay existencias?"),
                    card("Mochila Ridge 40", "40 litros, se ajusta a todas las espaldas · 159 €", "Ridge 40", "¿Hay existencias?"),
                ],
            },
        ],
    },
    "stock": {
        "title": "Disponibilidad",
        "examples": [
            "está disponible", "lo tenéis en la talla M", "hay existencias", "cuándo vuelve a haber",
            "queda alguna chaqueta de lluvia", "agotado", "tenéis la tienda oak disponible", "está en stock",
        ],
        "slots": {
            "product": {
                "prompt": "¿Qué producto miro?",
                "choices": ["Tienda Oak 2", "Chaqueta Drizzle", "Mochila Ridge 40"],
            },
        },
        "reply": "{product}: hay existencias. Si pides antes de las 14:00, sale hoy mismo.",
    },
    "discount": {
        "title": "Descuentos",
        "examples": [
            "me parece muy caro",
            "tenéis algún código de descuento", "descuento", "cupón", "hay ofertas", "descuento para estudiantes", "soy estudiante",
            "mi código no funciona", "me lo podéis dejar más barato", "promociones",
        ],
        "reply": "Quien se suscribe al boletín tiene un 10 % en su primer pedido; los estudiantes, un 15 % "
                 "con un carné válido.",
    },
    "complaint": {
        "title": "Reclamación",
        "examples": [
            "tienda rota", "chaqueta rota",
            "AC-10042 llegó roto",
            "es el peor servicio", "recibí el artículo equivocado", "me llegó otro artículo",
            "mi tienda llegó rota", "la tienda de campaña vino rota",
            "me han cobrado un importe equivocado", "el cargo en mi tarjeta está duplicado", "he pagado dos veces",
            "me cobraron de más", "esto es ridículo", "me están tomando el pelo", "estoy harto",
            "qué broma de mal gusto",
            "el paquete vino roto", "me cobraron dos veces",
            "quiero poner una queja", "reclamación", "esto es inaceptable", "llegó roto", "mi paquete llegó dañado",
            "me habéis enviado otro artículo", "falta algo en mi paquete", "estoy muy descontento",
            "qué mal servicio",
        ],
        "slots": {
            "problem": {
                "prompt": "Lo siento mucho. Cuéntame en pocas palabras qué ha pasado.",
            },
        },
        "reply": "Gracias. Lo he pasado tal cual y un compañero te responde aquí.",
    },
    "newsletter": {
        "title": "Boletín",
        "examples": [
            "suscribirme al boletín", "quiero recibir el boletín", "newsletter por favor",
            "mandadme vuestras ofertas por correo",
        ],
        "slots": {
            "email": {
                "prompt": "¿A qué dirección de correo lo mandamos?",
                "retry": "Eso no parece una dirección de correo. ¿La puedes revisar?",
            },
        },
        "reply": "Listo: hemos enviado una confirmación a {email}. Ábrela una vez para empezar.",
    },
    "greeting": {
        "title": "Saludo",
        "reply": replies(
            "¡Hola y bienvenido a Acorn Outdoor! ¿En qué puedo ayudarte?",
            ("¿Y mi pedido?", "intent:order_status"), ("Devolver algo", "intent:return_item"), ("Recomendaciones", "intent:recommend"),
        ),
    },
}  # fmt: skip

KNOWLEDGE: dict[str, dict[str, Any]] = {
    "Cómo contactarnos": {
        "questions": [
            "cuál es su número de teléfono",
            "cómo os localizo", "puedo llamarles", "cómo puedo contactar con vosotros",
            "cuál es su correo electrónico", "tienen una línea de atención",
        ],
        "answer": "Puedes llamarnos al +49 30 5550 142, de lunes a sábado de 9 a 19 h, escribirnos a "
                  "service@acorn-outdoor.example, o aquí a cualquier hora.",
        "tags": ["teléfono", "llamada", "contacto"],
    },
    "Cuándo llega el reembolso": {
        "questions": [
            "ya me devolvieron el dinero de AC-10042",
            "dónde está mi dinero", "devolví el artículo, cuándo me pagan", "todavía no me han devuelto el dinero",
            "todavía espero mi reembolso", "ya me han devuelto el dinero",
            "dónde está mi reembolso", "cuándo me devuelven el dinero", "cuánto tarda un reembolso"],
        "answer": "El reembolso llega de 3 a 5 días laborables después de que el artículo haya vuelto.",
        "tags": ["reembolso", "dinero"],
    },
    "Formas de pago": {
        "questions": [
            "cómo puedo pagar", "se puede pagar a plazos", "qué tarjetas aceptan", "puedo pagar con paypal", "formas de pago",
        ],
        "answer": "Puedes pagar con Visa, Mastercard, PayPal, transferencia o factura a 14 días.",
        "tags": ["pago", "tarjeta", "factura"],
    },
    "Plazo de devolución": {
        "questions": [
            "cuánto tiempo tengo", "y si no me gusta", "cuánto cuesta devolverlo",
            "puedo devolverlo en la tienda",
            "hasta cuándo puedo devolverlo", "cuántos días hay para devolver algo",
            "cuál es el plazo para cambiar un artículo",
            "cuánto tiempo tengo para devolver", "es gratis la devolución", "política de devoluciones",
        ],
        "answer": "Lo que no se ha usado se devuelve gratis en 60 días, en la tienda o por correo. También lo "
                 "rebajado.",
        "tags": ["plazo"],
    },
    "Países de envío": {
        "questions": ["hacéis envíos a francia", "hacen envíos a otros países", "envían a italia",
                      "enviáis al extranjero", "a qué países enviáis", "enviáis a suiza",
        ],
        "answer": "Enviamos a toda la Unión Europea, a Suiza, a Noruega y al Reino Unido.",
        "tags": ["internacional", "extranjero"],
    },
    "Garantía": {
        "questions": [
            "cuánto dura la garantía", "qué cubre la garantía",
        ],
        "answer": "Todo lo que hacemos tiene cinco años de garantía sobre material y confección. El desgaste "
                 "no está cubierto.",
        "tags": ["garantía"],
    },
    "Cambiar la dirección": {
        "questions": [
            "quiero cambiar la dirección de AC-10042",
            "puedo cambiar la dirección de entrega", "puse mal la dirección",
        ],
        "answer": "Mientras el pedido no esté empaquetado, puedes cambiar la dirección en tu cuenta, en «Pedidos».",
        "tags": ["dirección"],
    },
    "Contraseña olvidada": {
        "questions": [
            "olvidé mi contraseña", "no puedo entrar en mi cuenta", "restablecer contraseña",
        ],
        "answer": "Elige «contraseña olvidada» en la página de acceso. El enlace que mandamos vale una hora.",
        "tags": ["cuenta", "acceso"],
    },
    "Tarjetas regalo": {
        "questions": [
            "vendéis tarjetas regalo", "cuánto vale una tarjeta regalo", "caducan las tarjetas regalo",
        ],
        "answer": "Hay tarjetas regalo de 10 a 500 euros. Valen tres años, en línea y en las tiendas.",
        "tags": ["regalo"],
    },
}  # fmt: skip
