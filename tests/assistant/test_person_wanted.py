"""A human who is asked for beside another matter, in the languages of the widget (AI-3, CONV-8)."""

from __future__ import annotations

import pytest

from assistant.builtin.phrases.person_wanted import SHAPES, person_wanted
from tests.assistant.test_dialogue import WIDGET

ASKED = """
My parcel is late, a human please
my parcel is late. human!
a human please, my order AC-10042 has not come
I want to talk to a human about my late parcel
where is my order? I'd like to speak with a real person
the shoes are too small and I need a person
can I please talk to someone, the code does not work
why can't I talk to a human about my return?
I don't want to talk to a bot but to a human, my parcel is lost
get me a human, the refund is missing
Not a bot, a real person please: where is my refund
please connect me to an agent, my order is wrong
how do I return it? agent please
I need an agent. My card was charged twice
Mein Paket ist zu spät, bitte einen Menschen
Mein Paket kommt nicht, ein Mensch bitte
Wo ist meine Bestellung? Ich möchte mit einem Mitarbeiter sprechen
Die Schuhe passen nicht, kann ich mit jemandem aus dem Team reden?
ich will nicht mit einem Bot reden, sondern mit einem Menschen, wegen der Rückgabe
Der Code geht nicht und ich brauche einen echten Menschen
Warum kann ich nicht mit einem Menschen sprechen? Mein Paket fehlt
Verbinden Sie mich bitte mit einem Mitarbeiter, mein Paket fehlt
Mein Paket ist zu spät, kann ich bitte einen Menschen sprechen?
Kann ich jemanden sprechen? Der Code geht nicht
mon colis est en retard, un humain s'il vous plaît
où est ma commande ? je veux parler à un conseiller
mon code ne marche pas et je voudrais parler à quelqu'un
un humain svp, mon remboursement
mi paquete llega tarde, un humano por favor
¿dónde está mi pedido? quiero hablar con una persona
el código no funciona y necesito un agente
a minha encomenda está atrasada, um humano por favor
onde está a encomenda? quero falar com uma pessoa
o código não funciona e preciso de um atendente
il mio pacco è in ritardo, un operatore per favore
dov'è il mio ordine? vorrei parlare con una persona
il codice non funziona, mi serve un operatore
mijn pakket is te laat, een mens alsjeblieft
waar is mijn bestelling? ik wil met een medewerker praten
de code werkt niet, kan ik met iemand spreken
moja paczka się spóźnia, poproszę człowieka
gdzie jest moje zamówienie? chcę rozmawiać z konsultantem
kod nie działa, proszę o kontakt z człowiekiem
kargom gecikti, bir insan lütfen
siparişim nerede? bir temsilciyle görüşmek istiyorum
kod çalışmıyor, müşteri temsilcisine bağlanmak istiyorum
荷物が遅れています、人間と話したいです
注文はどこですか？オペレーターにつないでください
コードが使えないので担当者をお願いします
我的包裹迟到了，转人工
订单在哪里？我想和真人说话
代码无效，请帮我找人工客服
طردي متأخر، أريد التحدث إلى موظف
أين طلبي؟ أريد شخصا من فضلك
الرمز لا يعمل، موظف من فضلك
my parcel is late I want to speak to a human
I want a human not a bot, where's my parcel
my parcel is late - human please
give me a human being, please
I ordered two pairs and only one came; please put me through to a manager
Parcel hasn't arrived. Can a human help me please? I want to speak with somebody
this is ridiculous, let me talk to your manager
can you put me through to a real human please? my refund is missing
I would like a human to look at my order
My order is AC-10042, it's broken, I need to speak to someone
could I chat with a member of staff about the refund
just give me a person
Können Sie mich mit einem Menschen verbinden? Mein Paket ist weg
Hallo, mein Paket fehlt, einen Mitarbeiter bitte
Ich würde gerne mit einem echten Menschen über meine Rückgabe sprechen
ich hätte gern einen Ansprechpartner, die Jacke ist kaputt
Kann ich bitte mit jemandem sprechen? Die Größe stimmt nicht
Bonjour, ma commande est perdue, pouvez-vous me passer un conseiller
je préfère parler à une vraie personne, mon colis est cassé
est-ce que je peux parler à quelqu'un au sujet de ma commande
mi pedido está roto, pásame con un agente
¿puedo hablar con alguien? no me llega el correo
me gustaría hablar con una persona real sobre mi devolución
a encomenda veio partida, passe-me a um humano
posso falar com alguém sobre a devolução?
ho ricevuto la taglia sbagliata, posso parlare con qualcuno?
mijn schoenen zijn kapot, mag ik een medewerker spreken
buty są za małe, połącz mnie z konsultantem
ayakkabılar küçük, gerçek bir kişiyle konuşmak istiyorum
靴が小さいです。スタッフの方とお話ししたいのですが
サイズが合わないので、人に代わってください
鞋子太小了，我要人工客服
退货怎么办，能不能跟真人聊
الحذاء صغير، أود التحدث مع شخص
حولني إلى موظف، الطرد مكسور
""".strip().splitlines()
NOT_ASKED = """
I do not want a human, where is my parcel
I don't need a person, just tell me where my order is
no human please, where is my parcel
please don't connect me to an agent, where is my order
are you a human? where is my parcel
I talked to an agent yesterday and my parcel is still late
is this rucksack made for one person?
how many people fit in the tent
a human error was made in my order
the tent is for two persons, please
I would rather not talk to a person
can I do this without talking to an agent?
the delivery person was rude, where do I complain
I gave it to the person at the post office
when can I talk to a human?
I want to give it to a person as a gift
Do you have human resources
I was told by someone that shipping is free
can someone tell me where my parcel is
Ich will keinen Menschen, wo ist mein Paket
Ich möchte nicht mit einem Menschen sprechen, wo ist mein Paket?
Ich brauche keinen Mitarbeiter, nur die Nummer
Ich habe gestern mit einem Mitarbeiter gesprochen, das Paket fehlt noch
Für wie viele Menschen ist das Zelt?
Bitte ohne Mitarbeiter, wo ist mein Paket?
Kein Mensch hat mir geantwortet, wo ist mein Paket
je ne veux pas parler à un humain, où est mon colis
pas besoin d'un conseiller, où est ma commande
une tente pour une personne
personne ne me répond
no quiero hablar con una persona, ¿dónde está mi pedido?
no necesito un agente, solo el número
una tienda para una persona por favor
não quero falar com uma pessoa, onde está a encomenda
não preciso de um atendente
uma tenda para uma pessoa
non voglio parlare con un operatore, dov'è il pacco
ik wil geen mens, waar is mijn pakket
ik wil niet met een medewerker praten
nie chcę rozmawiać z konsultantem, gdzie jest paczka
rozmawiałem z konsultantem wczoraj
bir insanla konuşmak istemiyorum, kargom nerede
temsilciye gerek yok
人間と話したくないです、荷物はどこ
オペレーターは不要です
不要人工，我的包裹在哪里
我不想和真人说话
لا أريد التحدث إلى موظف، أين طردي
I don't have a person to receive it on Monday
is there a discount for staff
my colleague ordered it for me
I want to change the person who receives it
what does customer service cost
I need support poles for my tent
I want a rep of the jacket
I have been talking to a human already
is a person needed to sign for the parcel?
Do I have to be home or can I let a person at the door take it
I never asked for a human, where is the parcel
stop sending me to an agent, tell me where my order is
Could you recommend something for a person with wide feet?
I want to order for a colleague
I'd like a tent for one person, please
the agent please told me to wait
Muss eine Person zu Hause sein?
Ich möchte eine Jacke für eine Person mit breiten Schultern
Ich möchte einen Rucksack für einen Menschen über 2 m
Darf eine andere Person das Paket annehmen?
faut-il une personne à la maison
je voudrais une tente pour deux personnes s'il vous plaît
quiero una chaqueta para una persona alta
necesito una tienda para una persona
quero um casaco para uma pessoa alta
voglio una tenda per una persona
ik wil een jas voor een lang persoon
szukam kurtki dla osoby
bir kişi için çadır istiyorum
2人用のテントが欲しい
我要一个人用的帐篷
请问客服几点上班
أريد خيمة لشخص واحد
can I change the contact person of my order
I want support for my knee
I need the customer service number
I like people
do you like a human
""".strip().splitlines()


@pytest.mark.parametrize("line", ASKED)
def test_who_asks_for_a_human_beside_another_matter_is_heard(line: str) -> None:
    assert person_wanted(line)


@pytest.mark.parametrize("line", NOT_ASKED)
def test_who_wants_none_or_speaks_of_people_asks_for_none(line: str) -> None:
    assert not person_wanted(line)


def test_each_language_of_the_widget_has_its_shapes() -> None:
    assert set(SHAPES) == {file.stem for file in WIDGET}


@pytest.mark.parametrize(
    "line",
    [
        "My parcel is late, a human please",
        "Where is my order AC-10042? I want to talk to a human",
        "Mein Paket ist zu spät, bitte einen Menschen",
        "mon colis est en retard, un humain s'il vous plaît",
        "mi paquete llega tarde, un humano por favor",
        "a minha encomenda está atrasada, um humano por favor",
        "moja paczka się spóźnia, poproszę człowieka",
        "荷物が遅れています、人間と話したいです",
    ],
)
def test_a_human_comes_before_the_answer_to_the_other_matter(visitor, line: str) -> None:
    reply = visitor().says(line)
    assert (reply.handover_reason, reply.intent) == ("requested", "human")


@pytest.mark.parametrize(
    ("line", "intent"),
    [
        ("I do not want a human, where is my order?", "order_status"),
        ("ich will keinen Menschen, wo ist meine Bestellung?", "order_status"),
    ],
)
def test_who_wants_none_is_answered(visitor, line: str, intent: str) -> None:
    reply = visitor().says(line)
    assert (reply.handover_reason, reply.intent) == ("", intent)


def test_a_human_is_asked_for_while_something_else_is_asked(visitor) -> None:
    talk = visitor()
    talk.says("where is my order?")
    assert talk.says("I can't find it, and I want to speak to a person").handover_reason == "requested"


@pytest.mark.parametrize(
    "said",
    [
        "I don't talk to bots", "i dont want to talk to a machine", "ich rede nicht mit maschinen",
        "Ich will nicht mit einer KI reden", "je ne parle pas à un robot", "je veux pas parler a une machine",
        "no hablo con robots", "no quiero hablar con una maquina", "não falo com robôs", "nao quero falar com um robo",
        "non voglio parlare con una macchina", "ik praat niet met een robot", "nie rozmawiam z robotem",
        "robotla konuşmak istemiyorum", "لا أريد التحدث إلى روبوت", "ロボットとは話したくない", "不想和机器人说话",
    ],
)  # fmt: skip
def test_who_will_not_talk_to_a_machine_wants_a_human(said: str) -> None:
    """They were told that it is a program, in the twelve languages of the widget."""
    assert person_wanted(said)


@pytest.mark.parametrize(
    "said",
    [
        "are you a bot", "do you sell coffee machines", "i do not want to wash it in the machine",
        "ich will die jacke nicht mit der maschine waschen", "no quiero lavarla con la máquina", "i like talking to you, bot",
    ],
)  # fmt: skip
def test_a_machine_that_is_spoken_of_is_no_wish(said: str) -> None:
    assert not person_wanted(said)


@pytest.mark.parametrize(
    "said", ["je veux parler a quelquun", "posso falar com alguem", "chce rozmawiac z czlowiekiem", "gercek bir kisiyle konusmak istiyorum"]
)  # fmt: skip
def test_a_wish_without_marks_on_its_letters(said: str) -> None:
    assert person_wanted(said)
