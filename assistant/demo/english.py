"""What the demo tenant's assistant knows, in English: the other languages (german.py and its neighbours) add to it.

Owns data alone.
"""

from __future__ import annotations

from typing import Any

from assistant.demo.parts import card, place, replies

ORDER_NUMBER = {
    "name": "order_number",
    "prompt": "What is your order number? It begins with AC and is in the confirmation e-mail.",
    "retry": "An order number looks like AC-10042. Could you look it up once more?",
    "pattern": r"\b(AC[\s–-]?\d{4,6})\b",
}

#: what people say instead of picking a reason, in all languages of the demo
WRONG_SIZE = [
    "too small",
    "too big",
    "too large",
    "too tight",
    "does not fit",
    "no me vale",
    "no me valen",
    "no me cabe",
    "no me caben",
    "do not fit",
    "doesn't fit",
    "don't fit",
    "size",
    "zu klein",
    "zu groß",
    "zu eng",
    "passt nicht",
    "passen nicht",
    "größe",
    "trop petit",
    "trop petite",
    "trop grand",
    "trop grande",
    "trop petits",
    "trop petites",
    "trop grands",
    "trop grandes",
    "ne me va pas",
    "ne me vont pas",
    "taille",
    "pequeño",
    "pequeña",
    "grande",
    "pequeños",
    "pequeñas",
    "grandes",
    "no me queda bien",
    "no me quedan bien",
    "talla",
    "pequeno",
    "pequena",
    "pequenos",
    "pequenas",
    "apertados",
    "apertadas",
    "apertado",
    "não serve",
    "não servem",
    "tamanho",
]
FAULTY = [
    "broken",
    "defective",
    "damaged",
    "a hole",
    "kaputt",
    "beschädigt",
    "loch",
    "cassé",
    "abîmé",
    "défaut",
    "roto",
    "rota",
    "dañado",
    "defecto",
    "partido",
    "rasgado",
    "defeito",
    "estragado",
]
OTHER_MIND = [
    "don't like it",
    "do not like it",
    "no longer need",
    "don't need it",
    "gefällt mir nicht",
    "brauche ich nicht",
    "ne me plaît pas",
    "plus besoin",
    "no me gusta",
    "ya no lo necesito",
    "não gosto",
    "já não preciso",
]

INTENTS: dict[str, dict[str, Any]] = {
    "order_status": {
        "title": "Where is my order",
        "description": "Where an order is and when it arrives",
        "examples": [
            "where is it", "when will it be here", "when is it coming", "i have been waiting for three weeks", "why is it taking so long", "it should have been here by now",
            "where is my stuff",
            "AC-10042", "can you track AC-10042 for me", "order AC-10042",
            "i ordered two weeks ago and it is not here yet", "i ordered a tent and have received nothing",
            "where are the things that i ordered",
            "when will my parcel get here", "where are my things", "what happened to my parcel",
            "where is my order", "track my order", "order status", "when will my order arrive",
            "has my order shipped yet", "order", "my order", "about my order",
            "what is the status of my order", "i want to track my package", "where is my parcel",
            "my package has not arrived",
            "is my order on its way", "i am still waiting for my order", "track order AC-10042", "check my order",
            "my delivery is late", "tracking number for my order", "has my parcel been sent",
        ],
        "slots": [ORDER_NUMBER],
        "responses": [
            "Order {order_number} left our warehouse and is with the carrier. "
            "It should be with you in one or two days.",
        ],
    },
    "cancel_order": {
        "title": "Cancel an order",
        "description": "Stop an order before it ships",
        "examples": [
            "i made a mistake with my order, please stop it", "stop the order please",
            "cancel my order", "i want to cancel an order", "please cancel order AC-10042",
            "can i still cancel my order",
            "i ordered by mistake", "stop my order", "i no longer want what i ordered", "undo my purchase",
            "i changed my mind about my order", "annul the order",
            "how do i cancel an order i just placed", "cancel it please, i ordered the wrong size",
            "i need to cancel my purchase", "can you cancel the order i made today",
        ],
        "slots": [ORDER_NUMBER],
        "responses": [
            "I have asked the warehouse to stop order {order_number}. A colleague confirms it here in a moment.",
        ],
        "handover": True,
        "confirm": True,
    },
    "return_item": {
        "title": "Return an item",
        "description": "Send something back",
        "examples": [
            "i want a refund", "i would like a refund", "return AC-10042", "i want to return order AC-10042",
            "the boots are too small",
            "i do not like the colour, can i give it back",
            "you sent the wrong size", "the size that came is wrong",
            "i want to return something", "how do i return an item", "return my jacket", "send back my order",
            "start a return", "return", "returns", "refund",
            "i want my money back", "the shoes do not fit", "can i send it back", "i need a return label",
            "exchange for another size", "it is too small, i want to exchange it", "how can i get a refund",
            "i would like to give back the tent",
            "the jacket is too big, can i return it", "i want to send the boots back",
            "how do i send something back", "i want to return my order and get a refund", "please refund me",
            "can i exchange these shoes for a bigger size", "where do i get the return label", "refund my money",
        ],
        "slots": [
            {
                "name": "reason",
                "prompt": "I am glad to help with that. Why does it go back?",
                "choices": [
                    {"title": "Wrong size", "value": "wrong size", "also": WRONG_SIZE},
                    {"title": "Faulty", "value": "faulty", "also": FAULTY},
                    {"title": "Changed my mind", "value": "changed mind", "also": OTHER_MIND},
                ],
            },
            ORDER_NUMBER,
        ],
        "responses": [
            "Noted: {order_number}, {reason}. The return label is on its way to your e-mail address. "
            "Drop the parcel at any post office within 60 days; the refund takes 3 to 5 days from then.",
        ],
    },
    "shipping_times": {
        "title": "Shipping times",
        "description": "How long delivery takes and what it costs",
        "examples": [
            "what do you charge for sending abroad", "can it be faster",
            "i need it by friday", "will it be here before the weekend", "can i have it by tomorrow", "how much is shipping to france",
            "do i have to pay for delivery", "is delivery free",
            "how long does shipping take", "shipping times", "how fast is delivery", "when do you deliver",
            "delivery time",
            "how many days until it arrives", "what does shipping cost", "shipping fees", "is shipping free",
            "do you offer express delivery", "how long until i get it", "delivery costs",
        ],
        "responses": [
            "Standard delivery takes 2 to 4 working days and is free from 50 euros (below that, 4.90). "
            "Express arrives the next working day for 9.90, when you order before 2 pm.",
        ],
    },
    "opening_hours": {
        "title": "Opening hours",
        "description": "When the shops are open",
        "examples": [
            "when are you open", "opening hours", "what time do you open", "what time do you close",
            "are you open on sunday", "what time do you close tonight",
            "store hours", "are you open today", "how late is the shop open", "opening times",
            "are you open on saturdays",
        ],
        "responses": [
            replies("Our shops are open Monday to Saturday, 9 am to 7 pm, and closed on Sundays and public holidays.",
                     ("Find a shop", "intent:store_locations")),
        ],
    },
    "store_locations": {
        "title": "Find a shop",
        "description": "Where the shops are",
        "examples": [
            "where are you located",
            "where are your stores", "store locations", "find a shop near me", "where is the nearest shop",
            "your address",
            "do you have a store in Berlin", "where can i find you", "how do i get to your shop",
            "which cities are you in",
            "is there a branch in Hamburg", "directions to the store",
            "where is your shop", "is there a shop in my city",
            "address of the Berlin store", "where is the store in Hamburg", "are there any shops near me",
            "how do i find the nearest store",
        ],
        "responses": [
            [
                "We have two shops. This is the one in Berlin, and the one in Hamburg follows.",
                place("Acorn Outdoor Berlin", "Beispielstraße 12, 10115 Berlin", 52.5321, 13.3849),
                place("Acorn Outdoor Hamburg", "Musterweg 3, 20095 Hamburg", 53.5511, 10.0012),
            ],
        ],
    },
    "recommend": {
        "title": "Recommend something",
        "description": "Ideas what to buy",
        "examples": [
            "a tent for three people", "a jacket for a woman", "which one is good for winter", "what do you recommend for winter",
            "a tent for four people",
            "which tent suits a couple", "a good tent for three persons",
            "can you recommend something", "what tent should i buy", "show me your products",
            "i am looking for a jacket",
            "i need hiking boots", "which backpack is best", "what do you sell", "recommend a sleeping bag",
            "show me tents",
            "gift ideas for a hiker", "i want to buy a backpack", "what is new in the shop", "bestsellers",
            "which tent do you recommend", "which jacket would you recommend for rain", "i am looking for a tent",
            "i need a new jacket", "i need a sleeping bag", "can you suggest a backpack", "suggest some hiking boots",
            "show me your jackets", "show me your bestsellers", "what can you recommend for a beginner",
            "which boots should i buy", "i am looking for hiking boots",
        ],
        "responses": [
            [
                "These are what people like best this season:",
                {
                    "type": "carousel",
                    "cards": [
                        card("Oak 2 tent", "Two people, 2.1 kg, up in four minutes · €249", "Oak 2"),
                        card("Drizzle rain jacket", "Waterproof, packs into its own pocket · €129", "Drizzle"),
                        card("Ridge 40 backpack", "40 litres, fits every back · €159", "Ridge 40"),
                    ],
                },
            ],
        ],
    },
    "stock": {
        "title": "Check stock",
        "description": "Whether something is available",
        "examples": [
            "is it in stock", "do you have this in size M", "is the Oak tent available", "when is it back in stock",
            "check stock", "is this item available", "sold out", "availability of the rain jacket",
            "is the rain jacket still available", "do you have the tent in stock", "are the boots in stock",
            "do you still have it",
        ],
        "slots": [
            {
                "name": "product",
                "prompt": "Which one shall I check?",
                "choices": [
                    {"title": "Oak 2 tent", "value": "Oak 2"},
                    {"title": "Drizzle jacket", "value": "Drizzle"},
                    {"title": "Ridge 40 backpack", "value": "Ridge 40"},
                ],
            }
        ],
        "responses": ["{product} is in stock. Order before 2 pm and it ships today."],
    },
    "discount": {
        "title": "Discounts",
        "description": "Vouchers and sales",
        "examples": [
            "that is too expensive",
            "do you have a discount code", "any promotions", "voucher", "coupon code", "coupons", "is there a sale on",
            "student discount", "i am a student",
            "my discount code does not work", "can i get it cheaper", "special offers",
        ],
        "responses": [
            "Subscribers to our newsletter get 10 % off their first order, and students 15 % with a valid card.",
        ],
    },
    "complaint": {
        "title": "Make a complaint",
        "description": "Something went wrong; a human should care",
        "examples": [
            "tent broken", "jacket torn",
            "AC-10042 arrived broken", "order AC-10042 came damaged",
            "the wrong amount was taken from my card", "my card was billed double",
            "there are two payments for one order", "you debited more than the price",
            "i paid twice by mistake of yours", "this is ridiculous", "are you kidding me", "i am fed up with this",
            "what a bad joke",
            "my parcel came damaged", "it was broken when it arrived", "you took the money two times",
            "i want to complain", "this is unacceptable", "i am very unhappy with your service",
            "your service is terrible",
            "the product arrived broken", "my item is damaged", "you sent me the wrong item",
            "i am really disappointed",
            "something is missing from my parcel", "this is a disgrace",
            "i want to make a complaint", "i would like to complain about your service",
            "i have a complaint about my order",
            "the item i received is broken", "my tent arrived damaged", "the jacket has a hole in it",
            "i received the wrong item", "you sent the wrong size", "i am not happy with the product",
            "i am unhappy with my purchase", "an item is missing from my order", "i am disappointed with the quality",
            "this is terrible service",
        ],
        "slots": [
            {"name": "problem", "prompt": "I am sorry to hear that. Please tell me in a few words what happened."},
        ],
        "responses": ["Thank you. I have passed that on as it stands, and a colleague will answer you here."],
        "handover": True,
    },
    "newsletter": {
        "title": "Newsletter",
        "description": "Sign up for news by e-mail",
        "examples": [
            "subscribe to the newsletter", "sign me up for your newsletter", "i want to get your news by email",
            "newsletter", "join your mailing list", "send me your offers by mail",
        ],
        "slots": [
            {
                "name": "email",
                "prompt": "Which e-mail address shall the newsletter go to?",
                "retry": "That does not look like an e-mail address. Could you check it?",
                "entity": "email",
            }
        ],
        "responses": ["Done: we have sent a confirmation to {email}. Please open it once to begin."],
    },
    "greeting": {
        "title": "Greeting",
        "responses": [
            replies("Hello {name|there}, welcome to Acorn Outdoor! What can I do for you?",
                     ("Where is my order", "intent:order_status"), ("Return an item", "intent:return_item"),
                     ("Recommend something", "intent:recommend")),
        ],
    },
}  # fmt: skip

KNOWLEDGE: dict[str, dict[str, Any]] = {
    "How to reach us": {
        "questions": [
            "what is your phone number",
            "how do i reach you", "can i call you", "how can i contact you", "what is your email address",
            "do you have a hotline",
        ],
        "answer": "You reach us on +49 30 5550 142, Monday to Saturday from 9 am to 7 pm, at "
                  "service@acorn-outdoor.example, and here at any time.",
        "tags": ["phone", "telephone", "call", "contact"],
    },
    "Confirmation e-mail": {
        "questions": ["the confirmation e-mail is missing", "when does the confirmation e-mail come"],
        "answer": "The confirmation comes within ten minutes. Look into the spam folder, too.",
        "tags": ["confirmation", "e-mail"],
    },
    "Refunds": {
        "questions": [
            "do you refund the shipping costs",
            "is AC-10042 refunded yet",
            "i still have not got my money back", "i sent it back last week, where is my money",
            "i never got my refund",
            "has my refund been sent", "i am still waiting for my refund", "my money is not back yet",
            "status of my refund", "when do i get my money back", "how long does a refund take"],
        "answer": "We pay back within 3 to 5 working days from when the goods have come back.",
        "tags": ["money back", "refund status"],
    },
    "Payment methods": {
        "questions": ["how can i pay", "can i pay in instalments", "which cards do you accept", "can i pay with PayPal",
        "do you take invoice payment"],
        "answer": "You can pay by Visa, Mastercard, PayPal, bank transfer, or on invoice within 14 days.",
        "tags": ["payment", "credit card", "paypal", "invoice"],
        "source_url": "https://acorn-outdoor.example/help/payment",
    },
    "Return policy": {
        "questions": [
            "how long do i have", "what if i do not like it", "do i have to pay for the return label",
            "can i bring it back to the shop",
            "how much time is there to return things", "what is the deadline for sending goods back",
            "is there a time limit for returns",
            "how many days do i have to return it", "until when can i send it back",
                      "how long can i return things", "what is your return policy", "is the return free",
                      "can i return sale items"],
        "answer": "You can return unused items within 60 days, free of charge, in any shop or by post. Sale items too.",
        "tags": ["policy", "days", "free returns"],
        "source_url": "https://acorn-outdoor.example/help/returns",
    },
    "Countries we ship to": {
        "questions": ["do you ship abroad", "which countries do you ship to", "do you deliver to Switzerland",
                      "international shipping"],
        "answer": "We ship to all countries of the European Union, and to Switzerland, Norway and the United Kingdom.",
        "tags": ["international", "abroad", "europe"],
    },
    "Warranty": {
        "questions": [
            "do i have to pay if it is faulty","how long is the warranty", "what does the guarantee cover", "is there a guarantee on tents"],
        "answer": "Everything we make has a five-year warranty on material and workmanship. "
                  "Wear and tear is not covered.",
        "tags": ["guarantee", "defect"],
    },
    "Repairs": {
        "questions": [
            "the zip of my jacket broke","do you repair jackets", "can you fix a broken zip", "repair service", "my tent pole broke"],
        "answer": "Our workshop in Berlin repairs tents, jackets and packs. "
                  "Most repairs take two weeks and cost 15 to 40 euros.",
        "tags": ["workshop", "zip", "mend", "pole"],
    },
    "Washing a rain jacket": {
        "questions": ["how do i wash my rain jacket", "care instructions for waterproof clothing",
                      "my jacket is no longer waterproof"],
        "answer": "Wash at 30 °C with a detergent for membranes, no softener, and tumble dry on low for 20 minutes: "
                  "the warmth brings the water repellency back.",
        "tags": ["care", "waterproof", "reproof", "laundry"],
    },
    "Boot sizes": {
        "questions": ["how do your boots fit", "which shoe size do i need", "which size should i take", "do hiking boots run small", "do shoes run large", "size chart"],
        "answer": "Our boots run true to size. Take half a size more if you wear thick socks or walk downhill a lot.",
        "tags": ["size", "fit", "shoes"],
    },
    "Sleeping bag temperatures": {
        "questions": ["what does the comfort temperature mean", "how warm is the sleeping bag",
                      "which sleeping bag for winter"],
        "answer": "The comfort temperature is where a person who feels the cold sleeps well. For winter nights in "
                  "Central Europe choose −10 °C or lower.",
        "tags": ["warmth", "winter", "degrees"],
    },
    "Gift cards": {
        "questions": ["do you sell gift cards", "how long is a gift card valid", "can i use a gift card online"],
        "answer": "Gift cards come from 10 to 500 euros, work online and in the shops, and stay valid for three years.",
        "tags": ["present", "gift voucher"],
    },
    "Click and collect": {
        "questions": ["can i pick up my order in the store", "click and collect", "collect in shop"],
        "answer": "Choose “collect in shop” at the checkout. It is ready within two hours and kept for seven days.",
        "tags": ["pick up", "collect"],
    },
    "Forgotten password": {
        "questions": ["i forgot my password", "i cannot log in to my account", "reset password",
        "locked out of my account"],
        "answer": "Choose “forgotten password” on the sign-in page. The link that we send is good for one hour.",
        "tags": ["account", "login", "sign in"],
        "source_url": "https://acorn-outdoor.example/help/account",
    },
    "Changing the delivery address": {
        "questions": [
            "i want to change the address of order AC-10042",
            "can i change my delivery address", "i entered the wrong address", "send it to another address"],
        "answer": "As long as the order is not packed, you can change its address in your account under “Orders”.",
        "tags": ["address", "change"],
    },
    "Sustainability": {
        "questions": ["are your products sustainable", "do you use recycled material", "is your down ethical",
                      "where are your products made"],
        "answer": "Four fifths of our fabrics are recycled, our down is certified, and we sew in Portugal and Romania.",
        "tags": ["environment", "recycled", "fair"],
    },
    "Renting equipment": {
        "questions": ["can i rent a tent", "i need to rent a tent for the weekend", "what does it cost per day", "do i have to leave a deposit", "do you rent out equipment", "rental prices", "hire a backpack"],
        "answer": "Both shops rent tents, packs and sleeping bags, from 12 euros a day. Booking a week ahead is wise; there is no deposit.",
        "tags": ["hire", "rental", "borrow"],
    },
    "Jobs": {
        "questions": ["are you hiring", "do you have open positions", "how can i apply for a job", "job openings",
                      "internship"],
        "answer": "Open positions are on our careers page. We answer every application within two weeks.",
        "tags": ["career", "work", "apply", "vacancy"],
        "source_url": "https://acorn-outdoor.example/careers",
    },
}  # fmt: skip
