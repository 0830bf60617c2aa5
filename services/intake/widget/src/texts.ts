/** What the widget says, by language. */

export interface Texts {
  open: string;
  close: string;
  title: string;
  placeholder: string;
  send: string;
  you: string;
  typing: string;
  offline: string;
  connecting: string;
  unavailable: string;
  sending: string;
  sent: string;
  read: string;
  refused: string;
  again: string;
  waiting: string;
  joined: string;
  solved: string;
  idle: string;
  ended: string;
  transcript: string;
  email: string;
  transcriptAsked: string;
  end: string;
  unread: string;
}

const NAMES: readonly (keyof Texts)[] = [
  "open", "close", "title", "placeholder", "send", "you", "typing", "offline", "connecting", "unavailable",
  "sending", "sent", "read", "refused", "again", "waiting", "joined", "solved", "idle", "ended", "transcript",
  "email", "transcriptAsked", "end", "unread",
];

const LANGUAGES: Record<string, string> = {
  en: "Open chat|Close chat|Chat with us|Write a message|Send|You|is writing…|You are offline. Messages are sent when you are back.|Connecting…|The chat is not available.|Sending|Sent|Read|Not sent|Try again|We will be with you soon.|We are here.|This is solved. Write if it is not.|The chat has ended. Write to go on.|You have ended the chat. Write to go on.|Transcript by mail|Your mail address|A transcript comes when the chat ends.|End chat|unread",
  de: "Chat öffnen|Chat schließen|Chatten Sie mit uns|Nachricht schreiben|Senden|Sie|schreibt…|Sie sind offline. Nachrichten werden gesendet, sobald Sie wieder verbunden sind.|Verbindung wird aufgebaut…|Der Chat ist nicht verfügbar.|Wird gesendet|Gesendet|Gelesen|Nicht gesendet|Noch einmal|Wir sind gleich für Sie da.|Wir sind da.|Das ist gelöst. Schreiben Sie, falls nicht.|Der Chat ist beendet. Schreiben Sie, um fortzufahren.|Sie haben den Chat beendet. Schreiben Sie, um fortzufahren.|Verlauf per E-Mail|Ihre E-Mail-Adresse|Der Verlauf kommt, wenn der Chat endet.|Chat beenden|ungelesen",
  fr: "Ouvrir la discussion|Fermer la discussion|Discutez avec nous|Écrire un message|Envoyer|Vous|écrit…|Vous êtes hors ligne. Les messages partiront à votre retour.|Connexion…|La discussion n’est pas disponible.|Envoi|Envoyé|Lu|Non envoyé|Réessayer|Nous arrivons bientôt.|Nous sommes là.|C’est résolu. Écrivez si ce n’est pas le cas.|La discussion est terminée. Écrivez pour continuer.|Vous avez terminé la discussion. Écrivez pour continuer.|Transcription par e-mail|Votre adresse e-mail|La transcription viendra à la fin de la discussion.|Terminer|non lus",
  es: "Abrir el chat|Cerrar el chat|Chatee con nosotros|Escriba un mensaje|Enviar|Usted|está escribiendo…|Está sin conexión. Los mensajes se enviarán cuando vuelva.|Conectando…|El chat no está disponible.|Enviando|Enviado|Leído|No enviado|Reintentar|Enseguida estamos con usted.|Estamos aquí.|Está resuelto. Escriba si no es así.|El chat ha terminado. Escriba para continuar.|Ha terminado el chat. Escriba para continuar.|Transcripción por correo|Su correo electrónico|La transcripción llegará cuando termine el chat.|Terminar chat|sin leer",
  it: "Apri la chat|Chiudi la chat|Chatta con noi|Scrivi un messaggio|Invia|Tu|sta scrivendo…|Sei offline. I messaggi partiranno al tuo ritorno.|Connessione…|La chat non è disponibile.|Invio|Inviato|Letto|Non inviato|Riprova|Arriviamo subito.|Siamo qui.|È risolto. Scrivi se non lo è.|La chat è terminata. Scrivi per continuare.|Hai terminato la chat. Scrivi per continuare.|Trascrizione via e-mail|Il tuo indirizzo e-mail|La trascrizione arriva alla fine della chat.|Termina chat|non letti",
  nl: "Chat openen|Chat sluiten|Chat met ons|Schrijf een bericht|Versturen|U|schrijft…|U bent offline. Berichten gaan weg zodra u terug bent.|Verbinden…|De chat is niet beschikbaar.|Bezig|Verstuurd|Gelezen|Niet verstuurd|Opnieuw|We zijn zo bij u.|We zijn er.|Dit is opgelost. Schrijf als dat niet zo is.|De chat is beëindigd. Schrijf om verder te gaan.|U hebt de chat beëindigd. Schrijf om verder te gaan.|Verslag per e-mail|Uw e-mailadres|Het verslag komt als de chat eindigt.|Chat beëindigen|ongelezen",
  pt: "Abrir o chat|Fechar o chat|Fale conosco|Escreva uma mensagem|Enviar|Você|está escrevendo…|Você está offline. As mensagens serão enviadas quando voltar.|Conectando…|O chat não está disponível.|Enviando|Enviada|Lida|Não enviada|Tentar de novo|Já vamos atender você.|Estamos aqui.|Está resolvido. Escreva se não estiver.|O chat terminou. Escreva para continuar.|Você encerrou o chat. Escreva para continuar.|Transcrição por e-mail|Seu e-mail|A transcrição chega quando o chat terminar.|Encerrar chat|não lidas",
  pl: "Otwórz czat|Zamknij czat|Napisz do nas|Napisz wiadomość|Wyślij|Ty|pisze…|Jesteś offline. Wiadomości zostaną wysłane po powrocie.|Łączenie…|Czat jest niedostępny.|Wysyłanie|Wysłano|Przeczytano|Nie wysłano|Ponów|Zaraz odpowiemy.|Jesteśmy.|To jest rozwiązane. Napisz, jeśli nie.|Czat się zakończył. Napisz, aby kontynuować.|Czat zakończony przez Ciebie. Napisz, aby kontynuować.|Zapis e-mailem|Twój adres e-mail|Zapis przyjdzie po zakończeniu czatu.|Zakończ czat|nieprzeczytane",
  sv: "Öppna chatten|Stäng chatten|Chatta med oss|Skriv ett meddelande|Skicka|Du|skriver…|Du är offline. Meddelanden skickas när du är tillbaka.|Ansluter…|Chatten är inte tillgänglig.|Skickas|Skickat|Läst|Inte skickat|Försök igen|Vi är strax hos dig.|Vi är här.|Det är löst. Skriv om det inte är det.|Chatten är avslutad. Skriv för att fortsätta.|Du har avslutat chatten. Skriv för att fortsätta.|Utskrift via e-post|Din e-postadress|Utskriften kommer när chatten är slut.|Avsluta chatten|olästa",
  ja: "チャットを開く|チャットを閉じる|お問い合わせチャット|メッセージを入力|送信|あなた|が入力中…|オフラインです。接続が戻ると送信されます。|接続中…|チャットは利用できません。|送信中|送信済み|既読|送信できませんでした|再試行|まもなく担当者が対応します。|担当者が対応しています。|解決済みです。まだの場合はお書きください。|チャットは終了しました。続けるにはお書きください。|チャットを終了しました。続けるにはお書きください。|履歴をメールで受け取る|メールアドレス|チャット終了時に履歴をお送りします。|チャットを終了|未読",
  zh: "打开聊天|关闭聊天|与我们聊天|输入消息|发送|您|正在输入…|您已离线。恢复连接后会发送消息。|正在连接…|聊天不可用。|发送中|已发送|已读|未发送|重试|我们马上为您服务。|我们在这里。|问题已解决。如未解决请留言。|聊天已结束。留言即可继续。|您已结束聊天。留言即可继续。|通过邮件接收记录|您的邮箱地址|聊天结束后会发送记录。|结束聊天|未读",
  ar: "فتح الدردشة|إغلاق الدردشة|تحدث معنا|اكتب رسالة|إرسال|أنت|يكتب…|أنت غير متصل. تُرسل الرسائل عند عودتك.|جارٍ الاتصال…|الدردشة غير متاحة.|جارٍ الإرسال|أُرسلت|قُرئت|لم تُرسل|أعد المحاولة|سنكون معك قريبًا.|نحن هنا.|تم الحل. اكتب إن لم يكن كذلك.|انتهت الدردشة. اكتب للمتابعة.|أنهيت الدردشة. اكتب للمتابعة.|نسخة بالبريد|بريدك الإلكتروني|تصل النسخة عند انتهاء الدردشة.|إنهاء الدردشة|غير مقروءة",
};

const RIGHT_TO_LEFT = new Set(["ar", "fa", "he", "ur"]);

export function textsFor(language: string): Texts {
  const said = (LANGUAGES[base(language)] ?? LANGUAGES["en"] ?? "").split("|");
  return Object.fromEntries(NAMES.map((name, index) => [name, said[index] ?? ""])) as unknown as Texts;
}

export function isKnown(language: string): boolean {
  return base(language) in LANGUAGES;
}

export function directionOf(language: string): "ltr" | "rtl" {
  return RIGHT_TO_LEFT.has(base(language)) ? "rtl" : "ltr";
}

function base(language: string): string {
  return (language.split("-")[0] ?? "").toLowerCase();
}

export const languages: readonly string[] = Object.keys(LANGUAGES);
export const words = NAMES.length;
export const rawTexts: Readonly<Record<string, string>> = LANGUAGES;
