"""What the page of a survey says, in the languages that it speaks."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from services.intake.domain.template import closest_language


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyTexts:
    """The page in one language. lowest, highest: what the ends of the scale mean; `nps_`: of a recommendation"""

    language: str
    title: str
    question: str
    lowest: str
    highest: str
    nps_question: str
    nps_lowest: str
    nps_highest: str
    comment: str
    send: str
    thanks: str
    change: str
    missing: str
    gone: str


def _texts(language: str, *texts: str) -> SurveyTexts:
    names = [name for name in SurveyTexts.__dataclass_fields__ if name != "language"]
    return SurveyTexts(language=language, **dict(zip(names, texts, strict=True)))


_ALL = (
    _texts(
        "en",
        "Your opinion",
        "How satisfied are you with our answer?",
        "not at all",
        "very",
        "How likely are you to recommend us?",
        "not at all likely",
        "very likely",
        "What would you like to tell us? (optional)",
        "Send",
        "Thank you. We have your answer.",
        "You can change it here as long as this page is open.",
        "Please choose one of the answers.",
        "This survey is not open.",
    ),
    _texts(
        "de",
        "Ihre Meinung",
        "Wie zufrieden sind Sie mit unserer Antwort?",
        "gar nicht",
        "sehr",
        "Wie wahrscheinlich ist es, dass Sie uns weiterempfehlen?",
        "sehr unwahrscheinlich",
        "sehr wahrscheinlich",
        "Was möchten Sie uns sagen? (freiwillig)",
        "Absenden",
        "Danke. Ihre Antwort ist bei uns.",
        "Sie können sie hier noch ändern.",
        "Bitte wählen Sie eine der Antworten.",
        "Diese Umfrage ist nicht offen.",
    ),
    _texts(
        "fr",
        "Votre avis",
        "Êtes-vous satisfait de notre réponse ?",
        "pas du tout",
        "tout à fait",
        "Quelle est la probabilité que vous nous recommandiez ?",
        "très improbable",
        "très probable",
        "Que souhaitez-vous nous dire ? (facultatif)",
        "Envoyer",
        "Merci. Nous avons votre réponse.",
        "Vous pouvez encore la modifier ici.",
        "Veuillez choisir une des réponses.",
        "Cette enquête n'est pas ouverte.",
    ),
    _texts(
        "es",
        "Su opinión",
        "¿Está satisfecho con nuestra respuesta?",
        "nada",
        "mucho",
        "¿Qué probabilidad hay de que nos recomiende?",
        "nada probable",
        "muy probable",
        "¿Qué le gustaría decirnos? (opcional)",
        "Enviar",
        "Gracias. Tenemos su respuesta.",
        "Todavía puede cambiarla aquí.",
        "Elija una de las respuestas.",
        "Esta encuesta no está abierta.",
    ),
    _texts(
        "it",
        "La sua opinione",
        "È soddisfatto della nostra risposta?",
        "per niente",
        "molto",
        "Con quale probabilità ci consiglierebbe?",
        "per niente probabile",
        "molto probabile",
        "Che cosa vorrebbe dirci? (facoltativo)",
        "Invia",
        "Grazie. Abbiamo la sua risposta.",
        "Può ancora modificarla qui.",
        "Scelga una delle risposte.",
        "Questo sondaggio non è aperto.",
    ),
    _texts(
        "nl",
        "Uw mening",
        "Hoe tevreden bent u met ons antwoord?",
        "helemaal niet",
        "zeer",
        "Hoe waarschijnlijk is het dat u ons aanbeveelt?",
        "zeer onwaarschijnlijk",
        "zeer waarschijnlijk",
        "Wat wilt u ons vertellen? (niet verplicht)",
        "Versturen",
        "Bedankt. We hebben uw antwoord.",
        "U kunt het hier nog wijzigen.",
        "Kies een van de antwoorden.",
        "Deze enquête is niet open.",
    ),
    _texts(
        "pt",
        "A sua opinião",
        "Está satisfeito com a nossa resposta?",
        "nada",
        "muito",
        "Qual é a probabilidade de nos recomendar?",
        "nada provável",
        "muito provável",
        "O que gostaria de nos dizer? (opcional)",
        "Enviar",
        "Obrigado. Temos a sua resposta.",
        "Ainda a pode alterar aqui.",
        "Escolha uma das respostas.",
        "Este inquérito não está aberto.",
    ),
    _texts(
        "pl",
        "Twoja opinia",
        "Jak oceniasz naszą odpowiedź?",
        "bardzo źle",
        "bardzo dobrze",
        "Jak bardzo prawdopodobne jest, że nas polecisz?",
        "bardzo mało prawdopodobne",
        "bardzo prawdopodobne",
        "Co chcesz nam powiedzieć? (nieobowiązkowe)",
        "Wyślij",
        "Dziękujemy. Mamy Twoją odpowiedź.",
        "Możesz ją tu jeszcze zmienić.",
        "Wybierz jedną z odpowiedzi.",
        "Ta ankieta nie jest otwarta.",
    ),
    _texts(
        "sv",
        "Din åsikt",
        "Hur nöjd är du med vårt svar?",
        "inte alls",
        "mycket",
        "Hur troligt är det att du rekommenderar oss?",
        "inte alls troligt",
        "mycket troligt",
        "Vad vill du säga till oss? (frivilligt)",
        "Skicka",
        "Tack. Vi har ditt svar.",
        "Du kan fortfarande ändra det här.",
        "Välj ett av svaren.",
        "Den här enkäten är inte öppen.",
    ),
    _texts(
        "ja",
        "ご意見",
        "回答にご満足いただけましたか。",
        "まったく不満",
        "とても満足",
        "当社を人に勧める可能性はどのくらいありますか。",
        "まったくない",
        "とても高い",
        "ご意見をお聞かせください（任意）",
        "送信",
        "ありがとうございます。回答を受け取りました。",
        "この画面で変更できます。",
        "いずれかをお選びください。",
        "このアンケートは受け付けていません。",
    ),
    _texts(
        "zh",
        "您的意见",
        "您对我们的答复满意吗？",
        "非常不满意",
        "非常满意",
        "您向他人推荐我们的可能性有多大？",
        "完全不可能",
        "非常可能",
        "您想对我们说什么？（选填）",
        "提交",
        "谢谢。我们已收到您的回答。",
        "您仍可在此修改。",
        "请选择一个答案。",
        "此调查未开放。",
    ),
)
_BY_LANGUAGE: Mapping[str, SurveyTexts] = MappingProxyType({texts.language: texts for texts in _ALL})


def texts_in(language: str | None) -> SurveyTexts:
    """The page's texts in this language, or in English."""
    return _BY_LANGUAGE[(language and closest_language(language, _BY_LANGUAGE)) or "en"]
