"""By what machines are known that say nothing in their headers: subjects and addresses, by language.

Both are weak: such a mail is not acknowledged, and otherwise read as any other.
"""

import re
from collections.abc import Mapping

SUBJECTS: Mapping[str, tuple[str, ...]] = {
    "en": (
        *("auto reply", "autoreply", "auto response", "automatic reply", "automatic response", "automated reply"),
        *(
            "automated response",
            "out of office",
            "out of the office",
            "on vacation",
            "vacation reply",
            "undeliver",
        ),
        *("delivery status notification", "delivery failure", "delivery has failed", "failure notice", "read:"),
        *(
            "mail delivery failed",
            "returned mail",
            "mail delivery system",
            "delivery delayed",
            "i am away",
            "away:",
        ),
        "not read:",
    ),
    "de": (
        *(
            "automatische antwort",
            "automatische rückmeldung",
            "abwesenheit",
            "abwesend",
            "nicht im büro",
            "gelesen:",
        ),
        *("ich bin im urlaub", "unzustellbar", "nicht zustellbar", "zustellung fehlgeschlagen", "ungelesen:"),
    ),
    "fr": (
        *(
            "réponse automatique",
            "reponse automatique",
            "absence du bureau",
            "absent du bureau",
            "message d'absence",
        ),
        *("non remis", "échec de la remise", "échec de remise", "lu:", "non lu:", "absence:"),
    ),
    "es": (
        *("respuesta automática", "respuesta automatica", "fuera de la oficina", "fuera de oficina", "ausencia"),
        *("no se puede entregar", "no entregado", "correo no entregado", "leído:", "estoy de vacaciones"),
    ),
    "it": (
        *("risposta automatica", "fuori ufficio", "fuori sede", "assenza dall'ufficio", "non recapitabile"),
        *("mancato recapito", "letto:", "sono in ferie"),
    ),
    "nl": (
        *("automatisch antwoord", "automatische reactie", "afwezig", "niet aanwezig", "niet op kantoor"),
        *("onbestelbaar", "niet bezorgd", "gelezen:"),
    ),
    "pt": (
        *("resposta automática", "resposta automatica", "fora do escritório", "ausência temporária", "ausente"),
        *("não entregue", "não foi possível entregar", "falha na entrega", "lida:", "lido:", "estou de férias"),
    ),
    "pl": (
        *("automatyczna odpowiedź", "odpowiedź automatyczna", "autoodpowiedź", "poza biurem", "nieobecność"),
        *("niedostarczalne", "nie można dostarczyć", "nie dostarczono", "przeczytano:"),
    ),
    "sv": (
        *("autosvar", "automatiskt svar", "frånvaro", "inte på kontoret", "ej anträffbar", "kunde inte levereras"),
        *("olevererbart", "det går inte att leverera", "läst:"),
    ),
    "ja": (
        *(
            "自動返信",
            "自動応答",
            "不在",
            "不在通知",
            "配信不能",
            "配信できません",
            "配信エラー",
            "開封済み",
            "開封確認",
        ),
        "休暇中",
    ),
    "zh": (
        *("自动答复", "自动回复", "自動回覆", "自動回復", "不在办公室", "不在辦公室", "无法投递", "無法傳遞"),
        *("无法送达", "系统退信", "退信", "投递失败", "已读:", "讀取:"),
    ),
    "da": (*("automatisk svar", "autosvar", "ikke på kontoret", "fravær", "kan ikke leveres", "læst:"),),
    "nb": (*("automatisk svar", "autosvar", "ikke på kontoret", "fravær", "kan ikke leveres", "lest:"),),
    "fi": (*("automaattinen vastaus", "poissa", "poissaolo", "toimittamatta", "ei voi toimittaa", "luettu:"),),
    "cs": (*("automatická odpověď", "mimo kancelář", "nepřítomnost", "nedoručitelné", "přečteno:"),),
}

NO_REPLY = (
    *("no-reply", "do-not-reply", "dont-reply", "never-reply", "no-response", "not-reply", "nicht-antworten"),
    *("keine-antwort", "antwort-nicht", "ne-pas-repondre", "pas-de-reponse", "sans-reponse", "no-responder"),
    *("no-responda", "no-contestar", "non-rispondere", "no-risposta", "niet-beantwoorden", "geen-antwoord"),
    *("nao-responda", "nao-responder", "nie-odpowiadac", "nie-odpowiadaj", "svara-inte", "svara-ej", "ej-svar"),
    *("svar-ikke", "ikke-svar", "ala-vastaa", "neodpovidat", "neodpovidejte"),
)
"""How addresses begin that nobody reads, whatever sign stands for the dash."""

_OTHERS = (
    *(r"owner-.*", r".*-owner", r".*-request", r".*-bounces(?:\+.*)?", r"bounces?(?:[-+=].*)?"),
    *("listserv", "majordomo", "mailman", "daemon", "nobody"),
)
_WITHOUT_DASHES = tuple(words.replace("-", "[-_.]?") for words in NO_REPLY)
_ADDRESS = re.compile(rf"(?:{'|'.join(_WITHOUT_DASHES)}).*|{'|'.join(_OTHERS)}", re.DOTALL)
_SUBJECTS = tuple(dict.fromkeys(phrase for phrases in SUBJECTS.values() for phrase in phrases))
_PREFIX = re.compile(r"(?:\[[^\]]{0,60}\]\s*|\*{2,}\s*)?")


def is_machine_address(local: str) -> bool:
    """Whether nobody reads what is sent there. local: before the `@`, lower-case."""
    return _ADDRESS.fullmatch(local) is not None


def is_automatic_subject(subject: str) -> bool:
    """Whether a subject reads like that of an automatic answer or a bounce."""
    words = subject[:300].casefold().replace("-", " ").replace("：", ":")
    words = " ".join(words.split()).replace(" :", ":")
    return words[len(found[0]) if (found := _PREFIX.match(words)) else 0 :].startswith(_SUBJECTS)
