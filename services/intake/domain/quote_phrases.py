"""How mail programs announce what they quote, by language. To speak another language, add a row."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """One language's announcements; `*` stands for any words.

    attributions: how the line before a quote ends, after its date and its address: `wrote:`
    original, forwarded: what stands between the dashes of a divider
    sender, sent, recipient, subject, others: names of the header lines that are repeated
    forwards: what stands before the subject of a forwarded mail
    """

    attributions: tuple[str, ...]
    original: tuple[str, ...] = ()
    forwarded: tuple[str, ...] = ()
    sender: tuple[str, ...] = ()
    sent: tuple[str, ...] = ()
    recipient: tuple[str, ...] = ()
    subject: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    forwards: tuple[str, ...] = ()


PHRASES: Mapping[str, Phrases] = {
    "en": Phrases(
        attributions=("wrote:", "wrote on *:"),
        original=("Original Message", "Original Appointment", "Original", "Reply message", "Replied Message"),
        forwarded=("Forwarded message", "Begin forwarded message", "Forwarded by *", "Forwarded mail"),
        sender=("From",),
        sent=("Sent", "Date"),
        recipient=("To",),
        subject=("Subject",),
        others=("Cc", "Bcc", "Reply-To", "Importance", "Attachments", "Sensitivity", "Organization"),
        forwards=("fw", "fwd"),
    ),
    "de": Phrases(
        attributions=("schrieb:", "schrieb *:", "geschrieben:"),
        original=(
            "Ursprüngliche Nachricht",
            "Originalnachricht",
            "Original-Nachricht",
            "Original Nachricht",
            "Ursprünglicher Termin",
        ),
        forwarded=("Weitergeleitete Nachricht", "Anfang der weitergeleiteten Nachricht", "Weitergeleitet von *"),
        sender=("Von",),
        sent=("Gesendet", "Datum", "Gesendet am"),
        recipient=("An",),
        subject=("Betreff",),
        others=("Kopie", "Antwort an", "Wichtigkeit", "Anlagen", "Priorität"),
        forwards=("wg",),
    ),
    "fr": Phrases(
        attributions=("a écrit :", "a écrit:"),
        original=(
            "Message d'origine",
            "Message d’origine",
            "Message original",
            "Mail original",
            "E-mail d'origine",
        ),
        forwarded=(
            "Message transféré",
            "Message transmis",
            "Début du message réexpédié",
            "Début du message transféré",
        ),
        sender=("De",),
        sent=("Envoyé", "Envoyé le", "Date"),
        recipient=("À", "A"),
        subject=("Objet", "Sujet"),
        others=("Cci", "Copie à", "Répondre à", "Pièces jointes", "Message du *"),
        forwards=("tr", "trans"),
    ),
    "es": Phrases(
        attributions=("escribió:",),
        original=("Mensaje original", "Cita original"),
        forwarded=("Mensaje reenviado", "Inicio del mensaje reenviado"),
        sender=("De",),
        sent=("Enviado", "Enviado el", "Enviados", "Fecha"),
        recipient=("Para",),
        subject=("Asunto",),
        others=("CCO", "Responder a", "Importancia", "Datos adjuntos"),
        forwards=("rv", "reenv"),
    ),
    "it": Phrases(
        attributions=("ha scritto:",),
        original=("Messaggio originale", "Messaggio Originale", "Appuntamento originale"),
        forwarded=("Messaggio inoltrato", "Inizio messaggio inoltrato"),
        sender=("Da",),
        sent=("Inviato", "Inviato il", "Data"),
        recipient=("A",),
        subject=("Oggetto",),
        others=("Ccn", "Rispondi a", "Priorità", "Allegati"),
        forwards=("i",),
    ),
    "nl": Phrases(
        attributions=("schreef:", "schreef *:", "het volgende geschreven:"),
        original=(
            "Oorspronkelijk bericht",
            "Oorspronkelijk Bericht",
            "Origineel bericht",
            "Oorspronkelijke afspraak",
        ),
        forwarded=("Doorgestuurd bericht", "Begin doorgestuurd bericht"),
        sender=("Van",),
        sent=("Verzonden", "Datum", "Verzonden op"),
        recipient=("Aan",),
        subject=("Onderwerp",),
        others=("Antwoord aan", "Urgentie", "Bijlagen"),
        forwards=("doorst",),
    ),
    "pt": Phrases(
        attributions=("escreveu:", "escreveu (*):"),
        original=("Mensagem original", "Mensagem Original", "Compromisso original"),
        forwarded=("Mensagem encaminhada", "Mensagem reencaminhada", "Início da mensagem encaminhada"),
        sender=("De",),
        sent=("Enviada em", "Enviada", "Enviado", "Enviado em", "Data"),
        recipient=("Para",),
        subject=("Assunto",),
        others=("Responder para", "Prioridade", "Anexos"),
        forwards=("enc",),
    ),
    "pl": Phrases(
        attributions=("napisał(a):", "napisał:", "napisała:", "napisał/a:", "pisze:", "napisana przez *:"),
        original=(
            "Wiadomość oryginalna",
            "Oryginalna wiadomość",
            "Pierwotna wiadomość",
            "Treść oryginalnej wiadomości",
        ),
        forwarded=("Przekazana wiadomość", "Wiadomość przekazana dalej", "Początek przekazywanej wiadomości"),
        sender=("Od", "Nadawca"),
        sent=("Wysłano", "Wysłane", "Data", "Data wysłania"),
        recipient=("Do", "Adresat"),
        subject=("Temat",),
        others=("DW", "UDW", "Odpowiedź do", "Ważność", "Załączniki"),
        forwards=("pd",),
    ),
    "sv": Phrases(
        attributions=("skrev:", "skrev *:"),
        original=("Ursprungligt meddelande", "Originalmeddelande", "Ursprunglig avtalad tid"),
        forwarded=("Vidarebefordrat meddelande", "Vidarebefordrat brev", "Vidarebefordrat mejl"),
        sender=("Från",),
        sent=("Skickat", "Datum"),
        recipient=("Till",),
        subject=("Ämne",),
        others=("Kopia", "Hemlig kopia", "Svara till", "Prioritet", "Bifogade filer"),
        forwards=("vb",),
    ),
    "da": Phrases(
        attributions=("skrev:", "skrev *:", "har skrevet:"),
        original=("Oprindelig meddelelse", "Oprindelig besked", "Original besked"),
        forwarded=("Videresendt meddelelse", "Videresendt besked", "Start på videresendt besked"),
        sender=("Fra",),
        sent=("Sendt", "Dato"),
        recipient=("Til",),
        subject=("Emne",),
        others=("Svar til", "Prioritet", "Vedhæftede filer"),
        forwards=("vs",),
    ),
    "nb": Phrases(
        attributions=("skrev:", "skrev *:"),
        original=("Opprinnelig melding", "Originalmelding"),
        forwarded=("Videresendt melding", "Videresendt e-post", "Start på videresendt melding"),
        sender=("Fra",),
        sent=("Sendt", "Dato"),
        recipient=("Til",),
        subject=("Emne",),
        others=("Kopi", "Svar til", "Viktighet", "Vedlegg"),
        forwards=("vs",),
    ),
    "fi": Phrases(
        attributions=("kirjoitti:", "kirjoitti *:"),
        original=("Alkuperäinen viesti",),
        forwarded=("Välitetty viesti", "Edelleenlähetetty viesti", "Välitetty viesti alkaa"),
        sender=("Lähettäjä",),
        sent=("Lähetetty", "Päivämäärä", "Pvm"),
        recipient=("Vastaanottaja", "Saaja", "Kenelle"),
        subject=("Aihe",),
        others=("Kopio", "Vastausosoite", "Tärkeys", "Liitteet"),
        forwards=("vl",),
    ),
    "cs": Phrases(
        attributions=("napsal:", "napsala:", "napsal(a):", ". * v *<*>:"),
        original=("Původní zpráva", "Původní e-mail", "Původní schůzka"),
        forwarded=("Přeposlaná zpráva", "Přeposlaný e-mail", "Předaná zpráva", "Začátek přeposílané zprávy"),
        sender=("Od",),
        sent=("Odesláno", "Datum"),
        recipient=("Komu",),
        subject=("Předmět",),
        others=("Kopie", "Skrytá kopie", "Odpověď", "Důležitost", "Přílohy"),
        forwards=("př",),
    ),
    "ja": Phrases(
        attributions=("のメール:", "年*月*日*<*>:", "書きました:", "書いた:"),
        original=("元のメッセージ", "元のメール", "Original Message"),
        forwarded=("転送メッセージ", "転送されたメッセージ", "Forwarded Message"),
        sender=("差出人", "送信者"),
        sent=("送信日時", "日付", "日時", "送信日"),
        recipient=("宛先",),
        subject=("件名",),
        others=("返信先", "重要度", "添付ファイル"),
        forwards=("転送",),
    ),
    "zh": Phrases(
        attributions=("写道:", "寫道:", "撰寫:", "编写:"),
        original=("原始邮件", "邮件原件", "原始郵件", "回复的原邮件", "原邮件", "原始訊息"),
        forwarded=("转发的邮件", "轉寄的郵件", "转发邮件信息", "转发的消息", "已转发邮件", "被转发邮件信息"),
        sender=("发件人", "寄件者", "寄件人", "發件人"),
        sent=("发送时间", "寄件日期", "日期", "傳送時間", "發送時間", "时间"),
        recipient=("收件人", "收件者"),
        subject=("主题", "主旨", "主 题", "主題"),
        others=("抄送", "副本", "密送", "抄送人", "答复", "附件", "重要性"),
        forwards=("转发", "轉寄", "轉發"),
    ),
    # Of these only how they announce a quote.
    "ru": Phrases(attributions=("пишет:", "написал:", "написала:", "написал(а):", "г. в *<*>:", "от *<*>:")),
    "uk": Phrases(attributions=("пише:", "написав:", "написала:")),
    "tr": Phrases(attributions=("yazdı:", "şunu yazdı:")),
    "ko": Phrases(attributions=("작성:", "썼습니다:", "씀:")),
    "hu": Phrases(attributions=("ezt írta *:", "írta:", "írta *:")),
    "ro": Phrases(attributions=("a scris:",)),
    "sk": Phrases(attributions=("napísal:", "napísal(a):", "napísala:")),
    "ca": Phrases(attributions=("va escriure:", "ha escrit:")),
    "el": Phrases(attributions=("έγραψε:",)),
}

FINNISH_REPLY = "vs"
"""Stands before a forwarded mail's subject in Danish and Norwegian, and before an answer's in Finnish."""
