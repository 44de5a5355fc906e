"""What the assistant can say and understand before a tenant has taught it anything, as data.

Owns the common intents, the assistant's own sentences, and everyday text that is none of its business.
Must not hold logic: a further language is a further key.
"""

from __future__ import annotations

#: the intents with a part of their own in the dialogue
HUMAN, HELP, YES, NO, CANCEL, GREETING = "human", "help", "yes", "no", "cancel", "greeting"
GOODBYE, UPSET, THANKS, APOLOGY = "goodbye", "upset", "thanks", "apology"
#: what greets at first, and bids farewell later
EITHER_WAY = frozenset({"ciao", "servus", "salut", "chao", "aloha", "shalom", "salam", "hej", "namaste"})

#: intent → language → (examples, replies); the examples of all languages are learnt together
COMMON: dict[str, dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    GREETING: {
        "en": (
            ("hi", "hello", "hey", "hi there", "hello there", "good morning", "good afternoon", "good evening",
             "hey bot",
             "yo", "heya", "sup", "hiya", "howdy", "greetings", "anyone there", "are you there", "hello, is anybody here"),
            ("Hello {name|there}! How can I help you?", "Hi {name|there}! What can I do for you?"),
        ),
        "de": (
            ("hallo", "guten tag", "guten morgen", "guten abend", "moin", "servus", "grüß gott", "tach", "huhu", "na", "hallo zusammen",
             "jemand da", "hallo, ist hier jemand", "sind sie da"),
            ("Hallo! Wie kann ich helfen?", "Guten Tag! Was kann ich für Sie tun?"),
        ),
        "es": (
            ("hola", "buenos días", "buenas tardes", "buenas noches", "buenas", "hola qué tal", "ola", "holi", "holaa", "muy buenas", "hay alguien",
             "hola, hay alguien aquí", "estás ahí"),
            ("¡Hola! ¿En qué puedo ayudarte?",),
        ),
        "fr": (
            ("bonjour", "salut", "bonsoir", "slt", "cc", "bjr", "bsr", "coucou", "bonjour à tous", "bonjour madame",
             "il y a quelqu'un", "bonjour, vous êtes là"),
            ("Bonjour ! Comment puis-je vous aider ?",),
        ),
        "pt": (
            ("olá", "oi", "bom dia", "boa tarde", "boa noite", "oii", "opa", "boas", "olá, tudo bem", "viva", "está alguém aí", "olá, alguém por aqui", "estão aí"),
            ("Olá! Como posso ajudar?",),
        ),
    },
    GOODBYE: {
        "en": (
            ("bye", "goodbye", "see you", "see you later", "bye bye", "have a nice day", "that's all",
             "that is all for now",
             "talk to you later", "thanks, bye", "no thanks, that's all"),
            ("Goodbye, and have a nice day!", "Bye! I am here whenever you need me."),
        ),
        "de": (
            ("tschüss", "auf wiedersehen", "bis bald", "ciao", "schönen tag noch", "das war alles", "bis später", "danke, tschüss", "nein danke, das war's"),
            ("Auf Wiedersehen und einen schönen Tag!",),
        ),
        "es": (("adiós", "hasta luego", "hasta pronto", "nos vemos", "eso es todo", "no gracias, eso es todo", "chao", "gracias, adiós"), ("¡Hasta pronto!",)),
        "fr": (("au revoir", "à bientôt", "bonne journée", "c'est tout", "non merci, c'est tout", "à plus tard", "merci, au revoir"),
              ("Au revoir et bonne journée !",)),
        "pt": (
            ("adeus", "tchau", "até logo", "até breve", "é tudo", "não obrigado, é tudo", "tenha um bom dia", "obrigado, adeus"),
            ("Até breve e tenha um bom dia!",),
        ),
    },
    THANKS: {
        "en": (
            ("thanks", "thank you", "thank you very much", "thanks a lot", "many thanks", "cheers", "thx",
             "great, thank you",
             "great", "perfect", "that helped, thanks", "thanks for your help", "perfect thanks"),
            ("You are welcome!", "Glad I could help."),
        ),
        "de": (("danke", "vielen dank", "danke schön", "danke für die hilfe", "besten dank", "super, danke", "super", "perfekt"),
              ("Gern geschehen!",)),
        "es": (("gracias", "muchas gracias", "mil gracias", "gracias por la ayuda", "te lo agradezco", "genial", "perfecto"), ("¡De nada!",)),
        "fr": (("merci", "merci beaucoup", "un grand merci", "merci pour votre aide", "je vous remercie", "génial", "parfait", "super, merci"),
              ("Avec plaisir !",)),
        "pt": (
            ("obrigado", "obrigada", "muito obrigado", "muito obrigada", "obrigado pela ajuda", "valeu", "fixe", "perfeito"),
            ("De nada!",),
        ),
    },
    "how_are_you": {
        "en": (
            ("how are you", "how are you doing", "how is it going", "how do you do", "are you well", "what's up"),
            ("Very well, thank you! What can I do for you?",),
        ),
        "de": (
            ("wie geht es dir", "wie geht es ihnen", "wie geht's", "alles gut bei dir", "na, wie läuft's"),
            ("Danke, sehr gut! Was kann ich für Sie tun?",),
        ),
        "es": (
            ("cómo estás", "qué tal estás", "cómo está usted", "cómo te va", "todo bien"),
            ("¡Muy bien, gracias! ¿Qué puedo hacer por ti?",),
        ),
        "fr": (
            ("comment ça va", "comment vas-tu", "comment allez-vous", "ça va", "tu vas bien"),
            ("Très bien, merci ! Que puis-je faire pour vous ?",),
        ),
        "pt": (
            ("como estás", "como vai", "como está", "tudo bem", "como vão as coisas"),
            ("Muito bem, obrigado! O que posso fazer por si?",),
        ),
    },
    APOLOGY: {
        "en": (("sorry", "i am sorry", "my bad", "my mistake", "oops, sorry"), ("No problem at all. What can I do for you?",)),
        "de": (
            ("entschuldigung", "tut mir leid", "sorry, mein fehler", "verzeihung", "mein fehler"),
            ("Kein Problem. Was kann ich für Sie tun?",),
        ),
        "es": (("perdón", "lo siento", "disculpa", "perdona", "fue mi error"), ("No pasa nada. ¿Qué puedo hacer por ti?",)),
        "fr": (
            ("pardon", "désolé", "désolée", "excusez-moi", "c'est ma faute"),
            ("Ce n'est rien. Que puis-je faire pour vous ?",),
        ),
        "pt": (("desculpe", "desculpa", "peço desculpa", "foi mal", "erro meu"), ("Não faz mal. O que posso fazer por si?",)),
    },
    "who_are_you": {
        "en": (
            ("who are you", "are you a bot", "are you a robot", "are you real", "are you human", "are you a real person", "is this a bot", "are you chatgpt", "am i talking to a machine", "what is your name"),
            ("I am {bot}, the assistant of this chat: a program. A colleague is a word away.",),
        ),
        "de": (
            ("wer bist du", "bist du ein bot", "bist du ein roboter", "bist du echt", "sind sie echt", "bist du ein mensch", "ist das ein bot", "bist du chatgpt", "rede ich mit einer maschine", "wie heißt du"),
            ("Ich bin {bot}, der Assistent in diesem Chat: ein Programm. Auf Wunsch hole ich jemanden aus dem Team.",),
        ),
        "es": (
            ("quién eres", "eres un bot", "eres un robot", "eres real", "eres humano", "eres una persona", "eres de verdad", "eres chatgpt", "estoy hablando con una máquina", "cómo te llamas"),
            ("Soy {bot}, el asistente de este chat: un programa. Si quieres, busco a una persona.",),
        ),
        "fr": (
            ("qui es-tu", "qui êtes-vous", "es-tu un robot", "êtes-vous un robot", "tu es réel", "êtes-vous humain", "t'es un robot", "t'es réel", "tu es une vraie personne", "c'est un robot", "je parle à une machine", "comment tu t'appelles"),
            ("Je suis {bot}, l'assistant de ce chat : un programme. Je peux appeler un collègue si vous le souhaitez.",),
        ),
        "pt": (
            ("quem és tu", "quem é você", "és um robô", "você é um robô", "você é real", "és humano", "és real", "és uma pessoa", "você é uma pessoa", "isto é um robô", "estou a falar com uma máquina", "como te chamas"),
            ("Sou {bot}, o assistente deste chat: um programa. Se quiser, chamo um colega.",),
        ),
    },
    UPSET: {
        "en": (
            ("you are useless", "you are no help", "you idiot", "idiot", "you are stupid", "stupid bot", "shut up",
             "i already told you", "i just said that", "that is too late", "it is too late now", "that takes too long", "that is not what i asked"),
            ("I am sorry that I am no help. Say “human”, and a colleague takes over.",),
        ),
        "de": (
            ("du bist nutzlos", "du hilfst mir nicht", "du idiot", "du bist dumm", "blöder bot", "halt die klappe",
             "das habe ich schon gesagt", "hab ich doch gesagt", "das ist zu spät", "jetzt ist es zu spät", "das dauert zu lange", "das habe ich nicht gefragt"),
            ("Es tut mir leid, dass ich nicht helfen kann. Sagen Sie „Mensch“, und jemand aus dem Team übernimmt.",),
        ),
        "es": (
            ("eres un inútil", "no sirves para nada", "idiota", "eres tonto", "bot estúpido", "cállate",
             "ya te lo dije", "ya lo he dicho", "es demasiado tarde", "ya es muy tarde", "eso tarda demasiado", "no es lo que pregunté"),
            ("Siento no ser de ayuda. Di «humano» y te paso con una persona.",),
        ),
        "fr": (
            ("tu es nul", "tu ne sers à rien", "espèce d'idiot", "tu es stupide", "bot stupide", "tais-toi",
             "je l'ai déjà dit", "c'est nul", "nul", "c'est trop tard", "maintenant c'est trop tard", "c'est trop long", "ce n'est pas ma question"),
            ("Désolé de ne pas vous aider. Dites « humain », et un collègue prend la suite.",),
        ),
        "pt": (
            ("és inútil", "você é inútil", "não serves para nada", "és burro", "bot estúpido", "cala-te",
             "já disse", "já lhe disse", "é tarde demais", "agora já é tarde", "isso demora demais", "não foi isso que perguntei"),
            ("Lamento não ajudar. Diga “humano”, e um colega continua.",),
        ),
    },
    HUMAN: {
        "en": (
            ("talk to a human", "i want to speak to a human", "human please", "agent", "can i talk to a real person",
             "connect me with an agent", "speak to customer service", "representative", "i need a person", "live agent",
             "get me someone from support", "talk to somebody", "transfer me to an operator",
    "i don't want to talk to a bot",
             "let me speak to your colleague", "call a human", "i would like to chat with a member of staff"),
            ("I am handing you over to a colleague. They can see what we wrote and will answer here.",),
        ),
        "de": (
            ("mit einem menschen sprechen", "ich möchte mit einem mitarbeiter sprechen", "mensch", "mensch bitte",
             "kundenservice bitte",
             "ich will nicht mit einem bot reden",
             "verbinden sie mich mit einem mitarbeiter", "echte person", "kann ich mit jemandem reden", "mitarbeiter"),
            ("Ich übergebe Sie an eine Kollegin oder einen Kollegen. Die Antwort kommt hier.",),
        ),
        "es": (
            ("no quiero hablar con un robot", "hablar con una persona", "quiero hablar con un agente", "agente por favor", "una persona real",
             "pásame con un humano", "atención al cliente", "quiero hablar con alguien", "humano"),
            ("Te paso con una persona de nuestro equipo. Te responderá aquí mismo.",),
        ),
        "fr": (
            ("je ne veux pas parler à un robot", "parler à un humain", "je veux parler à un conseiller", "un agent s'il vous plaît", "une vraie personne",
             "parler à quelqu'un", "service client", "passez-moi un conseiller", "passez-moi quelqu'un", "humain"),
            ("Je vous mets en relation avec un collègue. Il vous répondra ici.",),
        ),
        "pt": (
            ("não quero falar com um robô", "falar com uma pessoa", "quero falar com um atendente", "atendente por favor", "uma pessoa real",
             "falar com alguém", "apoio ao cliente", "quero falar com um humano", "um humano", "humano", "passe-me a alguém"),
            ("Vou passar a conversa a um colega, que responde aqui mesmo.",),
        ),
    },
    HELP: {
        "en": (
            ("help", "what can you do", "how does this work", "can you help me", "i need help", "what can i ask you",
             "menu",
             "i have a question", "quick question", "one more thing", "what do you do", "i need help with my purchase", "what happens now", "show me the options", "start", "what are my options"),
            ("I can help with these. Choose one, or ask in your own words.",),
        ),
        "de": (
            ("hilfe", "was kannst du", "wie funktioniert das", "kannst du mir helfen", "ich habe eine frage", "hab ne frage", "noch eine frage", "was macht ihr so", "ich brauche hilfe bei meinem einkauf", "ich brauche hilfe", "menü"),
            ("Dabei kann ich helfen. Wählen Sie etwas aus, oder fragen Sie mit eigenen Worten.",),
        ),
        "es": (
            ("ayuda", "qué puedes hacer", "cómo funciona", "puedes ayudarme", "tengo una pregunta", "una pregunta", "otra cosa", "necesito ayuda con mi compra", "necesito ayuda", "menú"),
            ("Puedo ayudarte con esto. Elige una opción o pregunta con tus palabras.",),
        ),
        "fr": (
            ("j'ai une question", "une question", "encore une question", "j'ai besoin d'aide pour mon achat", "que sais-tu faire", "aide", "que pouvez-vous faire", "comment ça marche", "pouvez-vous m'aider", "j'ai besoin d'aide"),
            ("Je peux vous aider sur ces sujets. Choisissez, ou posez votre question.",),
        ),
        "pt": (
            ("tenho uma pergunta", "tenho uma dúvida", "mais uma coisa", "preciso de ajuda com a minha compra", "ajuda", "o que você pode fazer", "o que podes fazer", "como funciona", "pode me ajudar", "preciso de ajuda"),
            ("Posso ajudar com estes assuntos. Escolha um ou pergunte por outras palavras.",),
        ),
    },
    YES: {
        "en": (("yes", "yeah", "yep", "sure", "ok", "okay", "yes please", "correct", "right", "that's right",
              "exactly", "of course"),
               ("Good. What else can I do for you?",)),
        "de": (("ja", "ja bitte", "genau", "richtig", "klar", "in ordnung", "gerne", "stimmt"),
              ("Gut. Was kann ich noch tun?",)),
        "es": (("sí", "si", "claro", "vale", "correcto", "exacto", "sí por favor", "de acuerdo"),
              ("Bien. ¿Algo más?",)),
        "fr": (("oui", "d'accord", "exactement", "bien sûr", "oui s'il vous plaît", "c'est ça", "ouais"),
              ("Bien. Autre chose ?",)),
        "pt": (
            ("sim", "claro que sim", "isso mesmo", "correto", "exato", "sim por favor", "está bem"),
            ("Certo. Posso ajudar em mais alguma coisa?",),
        ),
    },
    NO: {
        "en": (("no", "nope", "no thanks", "no thank you", "not really", "nah", "that's not it", "wrong", "not that",
              "none of these"),
               ("All right. Could you tell me in other words what you need?",)),
        "de": (("nein", "nein danke", "nö", "falsch", "nicht das", "keines davon", "das stimmt nicht"),
               ("In Ordnung. Können Sie mir mit anderen Worten sagen, was Sie brauchen?",)),
        "es": (("no gracias", "no es eso", "incorrecto", "ninguno", "para nada"),
               ("De acuerdo. ¿Puedes decirme con otras palabras qué necesitas?",)),
        "fr": (("non", "non merci", "ce n'est pas ça", "pas vraiment", "aucun"),
               ("D'accord. Pouvez-vous me dire autrement ce qu'il vous faut ?",)),
        "pt": (
            ("não", "não obrigado", "não obrigada", "não é isso", "errado", "nenhum destes"),
            ("Está bem. Pode dizer por outras palavras do que precisa?",),
        ),
    },
    CANCEL: {
        "en": (("actually not", "cancel that", "never mind", "nevermind", "forget it", "stop", "start over", "go back", "abort",
              "leave it", "actually i will keep it", "i will keep them"),
               ("All right, we leave that. What else can I do for you?",)),
        "de": (("doch nicht", "lieber nicht", "ich behalte es doch", "ich behalte sie", "abbrechen", "vergiss es", "egal", "stopp", "von vorne", "zurück"),
              ("In Ordnung, lassen wir das. Was kann ich noch tun?",)),
        "es": (("mejor no", "déjalo", "al final me lo quedo", "olvídalo", "no importa", "empezar de nuevo", "volver"),
              ("De acuerdo, lo dejamos. ¿Algo más?",)),
        "fr": (("finalement non", "finalement je la garde", "je le garde", "annuler", "laisse tomber", "peu importe", "recommencer", "retour", "oubliez"),
              ("D'accord, on laisse. Autre chose ?",)),
        "pt": (
            ("melhor não", "afinal não", "afinal fico com ele", "deixa para lá", "esquece", "esqueça", "não importa", "começar de novo", "deixe estar"),
            ("Está bem, deixamos isso. Posso ajudar em mais alguma coisa?",),
        ),
    },
}  # fmt: skip

#: intent → examples in the other languages of the widget: understood, and answered in one that the assistant speaks
FURTHER: dict[str, tuple[str, ...]] = {
    GREETING: (
        "ciao", "buongiorno", "buonasera", "salve", "hoi", "goedendag", "goedemorgen", "cześć", "dzień dobry", "merhaba", "selam",
        "günaydın", "مرحبا", "السلام عليكم", "أهلا", "こんにちは", "おはようございます", "你好", "您好",
    ),
    GOODBYE: ("arrivederci", "tot ziens", "do widzenia", "hoşça kal", "güle güle", "مع السلامة", "さようなら", "再见"),
    THANKS: (
        "grazie", "grazie mille", "bedankt", "dank je wel", "dziękuję", "dzięki", "teşekkürler", "teşekkür ederim", "شكرا",
        "شكرا جزيلا", "ありがとう", "ありがとうございます", "谢谢",
    ),
    YES: ("sì", "tak", "evet", "نعم", "はい", "是的", "好的"),
    NO: ("nie", "nee", "hayır", "لا", "いいえ", "不是"),
    HUMAN: (
        "parlare con una persona", "voglio parlare con un operatore", "operatore", "una persona vera",
        "met een mens praten", "ik wil een medewerker spreken", "medewerker", "klantenservice graag",
        "rozmowa z człowiekiem", "chcę rozmawiać z konsultantem", "konsultant", "połącz z człowiekiem",
        "bir insanla konuşmak istiyorum", "müşteri temsilcisi", "temsilciye bağlan", "gerçek kişi",
        "人と話したい", "オペレーターにつないで", "担当者をお願いします", "转人工", "人工客服", "我想和真人说话",
        "أريد التحدث إلى شخص", "التحدث إلى موظف", "موظف خدمة العملاء", "أود التحدث إلى إنسان",
    ),
}  # fmt: skip

#: what the assistant says of its own accord; titles of quick replies have 20 characters at most
SENTENCES: dict[str, dict[str, str]] = {
    "en": {
        "did_you_mean": "Did you mean “{title}”?",
        "did_you_mean_one": "I am not quite sure. Did you mean one of these?",
        "unknown": "I am afraid I do not know that. Shall I get a colleague, or will you try other words?",
        "misunderstood": "I do not seem to get it. I am handing you over to a colleague, who will answer here.",
        "handover": "I am handing you over to a colleague, who will answer here.",
        "retry": "I could not find that in your message.",
        "lacking": "No problem. Without it I cannot go on here, but a colleague can. Shall I get one?",
        "done": "Thank you, I have noted that.",
        "about": "What shall I do with {what}?",
        "whether": "Shall I go ahead? {what}",
        "yes": "Yes",
        "no": "No",
        "left": "All right, I leave that. Or did you mean “{title}” after all?",
        "human": "Talk to a human",
        "help": "What I can do",
        "something_else": "Something else",
        "read_more": "Read more",
        "only_in": "I have this in {language} only:",
        "image": "Thank you for the picture. I cannot look at pictures myself. What is it about?",
        "audio": "Thank you for the recording. I cannot listen to it myself. Could you write it to me?",
        "video": "Thank you for the video. I cannot watch it myself. What is it about?",
        "file": "Thank you for the file. I cannot read it myself. What is it about?",
        "location": "Thank you, I have your location. What can I do for you there?",
    },
    "de": {
        "did_you_mean": "Meinen Sie „{title}“?",
        "did_you_mean_one": "Ich bin nicht ganz sicher. Meinen Sie eines davon?",
        "unknown": "Das weiß ich leider nicht. Soll ich jemanden holen, oder versuchen Sie es mit anderen Worten?",
        "misunderstood": "Ich verstehe es leider nicht. Ich übergebe an eine Kollegin oder einen Kollegen.",
        "handover": "Ich übergebe an eine Kollegin oder einen Kollegen. Die Antwort kommt hier.",
        "retry": "Das konnte ich in Ihrer Nachricht nicht finden.",
        "lacking": "Kein Problem. Ohne das komme ich hier nicht weiter, eine Kollegin oder ein Kollege schon. Soll ich jemanden holen?",
        "done": "Danke, das habe ich notiert.",
        "about": "Worum geht es bei {what}?",
        "whether": "Soll ich das jetzt tun? {what}",
        "yes": "Ja",
        "no": "Nein",
        "left": "Gut, das lasse ich. Oder meinen Sie doch „{title}“?",
        "human": "Mit Mensch sprechen",
        "help": "Was ich kann",
        "something_else": "Etwas anderes",
        "read_more": "Mehr lesen",
        "only_in": "Das habe ich nur auf {language}:",
        "image": "Danke für das Bild. Ich kann Bilder nicht selbst ansehen. Worum geht es?",
        "audio": "Danke für die Aufnahme. Ich kann sie nicht selbst anhören. Können Sie es mir schreiben?",
        "video": "Danke für das Video. Ich kann es nicht selbst ansehen. Worum geht es?",
        "file": "Danke für die Datei. Ich kann sie nicht selbst lesen. Worum geht es?",
        "location": "Danke, ich habe Ihren Standort. Was kann ich dort für Sie tun?",
    },
    "es": {
        "did_you_mean": "¿Quieres decir «{title}»?",
        "did_you_mean_one": "No estoy del todo seguro. ¿Es alguna de estas?",
        "unknown": "Lo siento, eso no lo sé. ¿Busco a una persona, o pruebas con otras palabras?",
        "misunderstood": "No consigo entenderlo. Te paso con una persona de nuestro equipo.",
        "handover": "Te paso con una persona de nuestro equipo. Te responderá aquí mismo.",
        "retry": "No lo he encontrado en tu mensaje.",
        "lacking": "No pasa nada. Sin eso no puedo seguir aquí, pero una persona de nuestro equipo sí. ¿La busco?",
        "done": "Gracias, lo he anotado.",
        "about": "¿Qué hago con {what}?",
        "whether": "¿Lo hago ahora? {what}",
        "yes": "Sí",
        "no": "No",
        "left": "De acuerdo, no lo hago. ¿O sí quieres decir «{title}»?",
        "human": "Hablar con alguien",
        "help": "Qué puedo hacer",
        "something_else": "Otra cosa",
        "read_more": "Leer más",
        "only_in": "Esto solo lo tengo en {language}:",
        "image": "Gracias por la imagen. No puedo verla yo mismo. ¿De qué se trata?",
        "audio": "Gracias por la grabación. No puedo escucharla. ¿Me lo puedes escribir?",
        "video": "Gracias por el vídeo. No puedo verlo yo mismo. ¿De qué se trata?",
        "file": "Gracias por el archivo. No puedo leerlo yo mismo. ¿De qué se trata?",
        "location": "Gracias, tengo tu ubicación. ¿Qué puedo hacer por ti allí?",
    },
    "fr": {
        "did_you_mean": "Vouliez-vous dire « {title} » ?",
        "did_you_mean_one": "Je ne suis pas tout à fait sûr. Est-ce l'un de ceux-ci ?",
        "unknown": "Désolé, je ne sais pas. Dois-je appeler un collègue, ou essayez-vous autrement ?",
        "misunderstood": "Je n'arrive pas à comprendre. Je vous mets en relation avec un collègue.",
        "handover": "Je vous mets en relation avec un collègue. Il vous répondra ici.",
        "retry": "Je ne l'ai pas trouvé dans votre message.",
        "lacking": "Pas de souci. Sans cela je ne peux pas continuer ici, mais un collègue le peut. Dois-je l'appeler ?",
        "done": "Merci, c'est noté.",
        "about": "Que dois-je faire avec {what} ?",
        "whether": "Dois-je le faire maintenant ? {what}",
        "yes": "Oui",
        "no": "Non",
        "left": "D'accord, je ne fais rien. Ou vouliez-vous bien dire « {title} » ?",
        "human": "Parler à quelqu'un",
        "help": "Ce que je sais faire",
        "something_else": "Autre chose",
        "read_more": "En savoir plus",
        "only_in": "Je n'ai cette réponse qu'en {language} :",
        "image": "Merci pour l'image. Je ne peux pas la regarder moi-même. De quoi s'agit-il ?",
        "audio": "Merci pour l'enregistrement. Je ne peux pas l'écouter. Pouvez-vous me l'écrire ?",
        "video": "Merci pour la vidéo. Je ne peux pas la regarder moi-même. De quoi s'agit-il ?",
        "file": "Merci pour le fichier. Je ne peux pas le lire moi-même. De quoi s'agit-il ?",
        "location": "Merci, j'ai votre position. Que puis-je y faire pour vous ?",
    },
    "pt": {
        "did_you_mean": "Queria dizer “{title}”?",
        "did_you_mean_one": "Não tenho a certeza. É um destes assuntos?",
        "unknown": "Desculpe, isso não sei. Quer que chame um colega, ou tenta dizer de outra forma?",
        "misunderstood": "Não estou a conseguir entender. Vou passar a conversa a um colega, que responde aqui.",
        "handover": "Vou passar a conversa a um colega, que responde aqui.",
        "retry": "Não encontrei isso na sua mensagem.",
        "lacking": "Não faz mal. Sem isso não consigo continuar aqui, mas um colega consegue. Quer que o chame?",
        "done": "Obrigado, ficou anotado.",
        "about": "O que faço com {what}?",
        "whether": "Posso avançar? {what}",
        "yes": "Sim",
        "no": "Não",
        "left": "Certo, deixo como está. Ou queria mesmo dizer “{title}”?",
        "human": "Falar com alguém",
        "help": "O que posso fazer",
        "something_else": "Outra coisa",
        "read_more": "Ler mais",
        "only_in": "Isto só tenho em {language}:",
        "image": "Obrigado pela imagem. Não a consigo ver. De que se trata?",
        "audio": "Obrigado pela gravação. Não a consigo ouvir. Pode escrever?",
        "video": "Obrigado pelo vídeo. Não o consigo ver. De que se trata?",
        "file": "Obrigado pelo ficheiro. Não o consigo ler. De que se trata?",
        "location": "Obrigado, tenho a sua localização. O que posso fazer por si aí?",
    },
}

#: learnt as "none of these", so that everyday talk is not pressed into the nearest intent
BACKGROUND: tuple[str, ...] = (
    "what is the weather like today", "what's the weather like tomorrow", "what's the weather like", "tell me a joke", "who won the world cup", "who won the football match last night",
    "what is the capital of France",
    "how old are you", "write me a poem about the sea", "i had pasta for dinner", "my cat is sleeping on the sofa",
    "what is the meaning of life", "can you do my homework", "how many planets are there", "play some music",
    "what time is it in Tokyo", "translate this into Latin", "the train was late again", "i am bored",
    "asdf qwerty zxcv",
    "blah blah blah", "lorem ipsum dolor sit amet", "which film should i watch tonight", "how do i bake bread",
    "what is two plus two", "do you like chocolate", "my neighbour painted his house green", "who is the president",
    "the quick brown fox jumps over the lazy dog", "i think therefore i am", "where do babies come from",
    "how far is the moon", "recite the alphabet backwards", "is there life on mars", "my grandmother knits socks",
    "what should i name my dog", "how do i fix a leaking tap", "my brother is here with us", "peter is at the door", "tell me about quantum physics", "when did the war end",
    "wie wird das wetter morgen", "wie wird das wetter", "erzähl mir einen witz", "erzähl mal nen witz", "wer hat das spiel gewonnen", "mein hund schläft gerade",
    "wie weit ist der mond entfernt", "was ist der sinn des lebens", "qué tiempo hace hoy", "cuéntame un chiste",
    "quién ganó el partido", "cuenta un chiste", "cuál es la capital de italia", "quel temps fait-il", "raconte-moi une blague", "raconte une blague",
    "qué tiempo hace", "que tempo faz", "que tempo faz hoje", "conta uma piada", "quem ganhou o jogo", "qual é a capital de portugal",
    "qui a gagné le match", "quelle est la capitale de l'espagne",
)  # fmt: skip
