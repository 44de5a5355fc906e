"""What the demo tenant's assistant knows, in Portuguese.

Owns data alone.
"""

from __future__ import annotations

from typing import Any

from assistant.demo.parts import card, place, replies

ORDER_NUMBER = {
    "prompt": "Qual é o número da sua encomenda? Começa por AC e está no e-mail de confirmação.",
    "retry": "Um número de encomenda tem esta forma: AC-10042. Pode verificar de novo?",
}

INTENTS: dict[str, dict[str, Any]] = {
    "order_status": {
        "title": "Minha encomenda",
        "examples": [
            "ainda não chegou", "e ainda não chegou",
            "onde está", "estou à espera há três semanas", "porque demora tanto", "já devia ter chegado",
            "pode rastrear AC-10042", "número de encomenda AC-10042", "onde estão as minhas coisas",
            "encomendei há duas semanas e ainda não chegou nada", "encomendei uma tenda e não a recebi",
            "onde está a minha encomenda", "encomenda", "pedido", "o meu pedido", "onde está meu pedido",
            "acompanhar a encomenda", "rastrear meu pedido", "quando chega a minha encomenda",
            "o meu pacote ainda não chegou", "estado da encomenda", "a encomenda já foi enviada",
            "continuo à espera da encomenda", "cadê minha encomenda", "cadê o meu pedido",
        ],
        "slots": {
            "order_number": ORDER_NUMBER,
        },
        "reply": "A encomenda {order_number} já saiu do nosso armazém e está com a transportadora. Deve "
                 "chegar dentro de um ou dois dias.",
    },
    "cancel_order": {
        "title": "Cancelar encomenda",
        "examples": [
            "enganei-me, parem a encomenda", "parem a minha encomenda",
            "cancelar a minha encomenda", "quero cancelar o pedido", "cancele a encomenda AC-10042 por favor",
            "ainda posso cancelar a encomenda", "encomendei por engano", "cancelamento", "anular a encomenda",
        ],
        "slots": {
            "order_number": ORDER_NUMBER,
        },
        "reply": "Pedi ao armazém que parasse a encomenda {order_number}. Um colega confirma aqui dentro de "
                 "momentos.",
    },
    "return_item": {
        "title": "Devolver um artigo",
        "examples": [
            "devolver AC-10042", "quero devolver a encomenda AC-10042",
            "não gosto da cor, posso devolver", "as botas são pequenas demais", "as botas ficam-me pequenas",
            "tamanho errado", "enviaram o tamanho errado", "veio outro tamanho",
            "devolução", "devolver", "quero devolver um artigo", "como faço para devolver", "quero devolver o casaco",
            "preciso de uma etiqueta de devolução", "os sapatos não servem", "ficou pequeno",
            "trocar por outro tamanho", "quero o meu dinheiro de volta", "reembolso", "como funcionam as devoluções",
            "quero trocar",
        ],
        "slots": {
            "reason": {
                "prompt": "Com todo o gosto. Porque quer devolver?",
                "choices": ["Tamanho errado", "Com defeito", "Mudei de ideias"],
            },
            "order_number": ORDER_NUMBER,
        },
        "reply": "Anotado: {order_number}, {reason}. A etiqueta de devolução vai a caminho do seu e-mail. "
                 "Entregue o pacote em qualquer posto dos correios em 60 dias; o reembolso demora 3 a 5 dias a partir daí.",
    },
    "shipping_times": {
        "title": "Prazos de entrega",
        "examples": [
            "enviam para o brasil, quanto custa", "quanto custa enviar para o estrangeiro", "pode ser mais rápido",
            "preciso disso até sexta", "chega antes do fim de semana", "quero isso para amanhã", "quanto custa o envio para espanha",
            "tenho de pagar os portes", "o envio paga-se",
            "quanto tempo demora a entrega", "prazo de entrega", "quanto custa o envio", "portes de envio",
            "o frete é grátis", "têm entrega expresso", "quantos dias demora a chegar", "qual o valor do frete",
        ],
        "reply": "A entrega normal demora 2 a 4 dias úteis e é grátis a partir de 50 euros (abaixo disso, "
                 "4,90). A expresso chega no dia útil seguinte por 9,90, se encomendar antes das 14 h.",
    },
    "opening_hours": {
        "title": "Horário",
        "examples": [
            "horário de funcionamento", "a que horas abrem", "quando estão abertos", "abrem ao domingo",
            "a que horas fecha a loja", "horário", "estão abertos hoje", "abrem aos sábados",
        ],
        "reply": replies(
            "As nossas lojas estão abertas de segunda a sábado, das 9 h às 19 h, e fechadas aos domingos e feriados.",
            ("Encontrar uma loja", "intent:store_locations"),
        ),
    },
    "store_locations": {
        "title": "Encontrar uma loja",
        "examples": [
            "onde ficam", "onde estão as vossas lojas",
            "onde ficam as lojas", "há uma loja perto de mim", "endereço da loja", "morada da loja",
            "têm loja em berlim", "onde vos encontro", "como chego à loja",
        ],
        "reply": [
            "Temos duas lojas: uma em Berlim e outra em Hamburgo.",
            place("Acorn Outdoor Berlin", "Beispielstraße 12, 10115 Berlin", 52.5321, 13.3849),
            place("Acorn Outdoor Hamburg", "Musterweg 3, 20095 Hamburg", 53.5511, 10.0012),
        ],
    },
    "recommend": {
        "title": "Recomendações",
        "examples": [
            "uma tenda para três pessoas", "um casaco para uma mulher", "o que recomendam para o inverno",
            "uma tenda para duas pessoas", "que tenda serve para três",
            "pode recomendar alguma coisa", "que tenda devo comprar", "procuro um casaco", "procuro uma tenda",
            "preciso de botas de caminhada", "que mochila recomenda", "o que vendem", "mostre-me barracas",
            "ideias para presente", "novidades", "preciso de um saco-cama",
        ],
        "reply": [
            "Isto é o que mais agrada nesta estação:",
            {
                "type": "carousel",
                "cards": [
                    card("Tenda Oak 2", "Duas pessoas, 2,1 kg, montada em quatro minutos · 249 €", "Oak 2", "Há em stock?"),
                    card("Casaco Drizzle", "Impermeável, cabe no próprio bolso · 129 €", "Drizzle", "Há em stock?"),
                    card("Mochila Ridge 40", "40 litros, ajusta-se a qualquer costas · 159 €", "Ridge 40", "Há em stock?"),
                ],
            },
        ],
    },
    "stock": {
        "title": "Disponibilidade",
        "examples": [
            "está disponível", "têm no tamanho M", "há em stock", "tem em estoque", "quando volta a haver",
            "o casaco de chuva ainda está disponível", "esgotado", "a tenda oak está disponível",
        ],
        "slots": {
            "product": {
                "prompt": "Que artigo devo verificar?",
                "choices": ["Tenda Oak 2", "Casaco Drizzle", "Mochila Ridge 40"],
            },
        },
        "reply": "{product}: há em stock. Se encomendar antes das 14 h, segue hoje.",
    },
    "discount": {
        "title": "Descontos",
        "examples": [
            "acho isso muito caro",
            "têm algum código de desconto", "desconto", "cupão", "cupom", "há promoções", "desconto para estudantes", "sou estudante",
            "o meu código não funciona", "fica mais barato",
        ],
        "reply": "Quem subscreve a newsletter tem 10 % na primeira encomenda; os estudantes, 15 % com cartão "
                 "válido.",
    },
    "complaint": {
        "title": "Reclamação",
        "examples": [
            "tenda partida", "casaco rasgado",
            "AC-10042 chegou partida",
            "é o pior serviço", "recebi o artigo errado",
            "a caixa chegou partida", "tudo chegou partido",
            "o valor cobrado está errado", "o débito no meu cartão está em duplicado", "paguei duas vezes",
            "cobraram a mais", "isto é ridículo", "estão a gozar comigo", "estou farto disto",
            "que brincadeira de mau gosto",
            "a encomenda chegou danificada", "a minha encomenda veio partida", "o meu pacote veio partido",
            "cobraram duas vezes",
            "quero fazer uma reclamação", "reclamação", "isto é inaceitável", "o artigo chegou partido",
            "o pacote chegou danificado", "enviaram o artigo errado", "falta algo no meu pacote",
            "estou muito descontente", "que péssimo serviço",
        ],
        "slots": {
            "problem": {
                "prompt": "Lamento muito. Diga-me em poucas palavras o que aconteceu.",
            },
        },
        "reply": "Obrigado. Transmiti tudo tal como está, e um colega responde-lhe aqui.",
    },
    "newsletter": {
        "title": "Newsletter",
        "examples": [
            "subscrever a newsletter", "quero receber a newsletter", "assinar a newsletter",
            "enviem-me as ofertas por e-mail",
        ],
        "slots": {
            "email": {
                "prompt": "Para que endereço de e-mail devemos enviar?",
                "retry": "Isso não parece um endereço de e-mail. Pode verificar?",
            },
        },
        "reply": "Feito: enviámos uma confirmação para {email}. Abra-a uma vez para começar.",
    },
    "greeting": {
        "title": "Saudação",
        "reply": replies(
            "Olá e boas-vindas à Acorn Outdoor! Em que posso ajudar?",
            ("Minha encomenda", "intent:order_status"), ("Devolver um artigo", "intent:return_item"), ("Recomendações", "intent:recommend"),
        ),
    },
}  # fmt: skip

KNOWLEDGE: dict[str, dict[str, Any]] = {
    "Como nos contactar": {
        "questions": [
            "qual é o vosso número de telefone",
            "como vos posso ligar", "posso ligar-vos", "como posso entrar em contacto",
            "qual é o vosso e-mail", "têm uma linha de apoio",
        ],
        "answer": "Pode ligar-nos para +49 30 5550 142, de segunda a sábado das 9 às 19 h, escrever para "
                  "service@acorn-outdoor.example, ou aqui a qualquer hora.",
        "tags": ["telefone", "chamada", "contacto"],
    },
    "Quando chega o reembolso": {
        "questions": [
            "já reembolsaram AC-10042",
            "onde está o meu dinheiro", "devolvi o artigo, quando me pagam", "ainda não me devolveram o dinheiro",
            "ainda espero o meu reembolso", "já devolveram o meu dinheiro",
            "onde está o meu reembolso", "quando recebo o dinheiro de volta", "quanto tempo demora um reembolso"],
        "answer": "O reembolso chega 3 a 5 dias úteis depois de o artigo ter voltado.",
        "tags": ["reembolso", "dinheiro"],
    },
    "Formas de pagamento": {
        "questions": [
            "como posso pagar", "posso pagar em prestações", "que cartões aceitam", "posso pagar com paypal", "formas de pagamento",
        ],
        "answer": "Pode pagar com Visa, Mastercard, PayPal, transferência ou fatura a 14 dias.",
        "tags": ["pagamento", "cartão", "fatura"],
    },
    "Prazo de devolução": {
        "questions": [
            "quanto tempo tenho", "e se não gostar", "quanto custa a devolução",
            "posso devolver na loja",
            "até quando posso devolver", "quantos dias há para devolver um artigo",
            "qual é o prazo para trocar um artigo",
            "quanto tempo tenho para devolver", "a devolução é grátis", "política de devoluções",
        ],
        "answer": "O que não foi usado devolve-se grátis em 60 dias, na loja ou pelo correio. Saldos também.",
        "tags": ["prazo"],
    },
    "Países de entrega": {
        "questions": [
            "enviam para o estrangeiro", "para que países enviam", "enviam para a suíça",
        ],
        "answer": "Enviamos para toda a União Europeia, a Suíça, a Noruega e o Reino Unido.",
        "tags": ["internacional", "estrangeiro"],
    },
    "Garantia dos artigos": {
        "questions": [
            "quanto tempo dura a garantia", "o que cobre a garantia",
        ],
        "answer": "Tudo o que fazemos tem cinco anos de garantia, de material e de fabrico. O desgaste não "
                 "está coberto.",
        "tags": ["garantia"],
    },
    "Mudar a morada": {
        "questions": [
            "quero mudar a morada de AC-10042",
            "posso mudar a morada de entrega", "enganei-me na morada", "mudar o endereço de entrega",
        ],
        "answer": "Enquanto a encomenda não estiver embalada, pode mudar a morada na sua conta, em «Encomendas».",
        "tags": ["morada", "endereço"],
    },
    "Palavra-passe esquecida": {
        "questions": [
            "esqueci a palavra-passe", "esqueci minha senha", "não consigo entrar na minha conta",
        ],
        "answer": "Escolha «palavra-passe esquecida» na página de entrada. A ligação que enviamos vale uma hora.",
        "tags": ["conta", "senha"],
    },
    "Cartões-presente": {
        "questions": [
            "vendem cartões-presente", "quanto tempo vale um cartão-presente", "vale-presente",
        ],
        "answer": "Há cartões-presente de 10 a 500 euros. Valem três anos, em linha e nas lojas.",
        "tags": ["presente"],
    },
}  # fmt: skip
