"""How telephones and mail programs sign, by language: `*` stands for any words. The line also names a product."""

from collections.abc import Mapping

SENT_FROM: Mapping[str, tuple[str, ...]] = {
    "en": ("sent from *", "sent via *", "sent with *", "sent using *", "get outlook for *"),
    "de": (
        *("von * gesendet", "gesendet von *", "gesendet mit *", "diese nachricht wurde von * gesendet"),
        *("holen sie sich outlook für *", "outlook für *"),
    ),
    "fr": (
        *("envoyé de *", "envoyé depuis *", "envoyé à partir de *", "envoyé avec *", "envoyé via *"),
        *("obtenir outlook pour *", "télécharger outlook pour *", "provenance : courrier pour *"),
    ),
    "es": (
        *("enviado desde *", "enviado con *", "enviado vía *", "obtener outlook para *", "obtenga outlook para *"),
        *("descargar outlook para *",),
    ),
    "it": ("inviato da*", "inviato con*", "scarica outlook per *", "ottieni outlook per *"),
    "nl": (
        *("verstuurd vanaf *", "verzonden vanaf *", "verzonden vanuit *", "verzonden via *", "verzonden met *"),
        *("outlook voor * downloaden", "download outlook voor *"),
    ),
    "pt": (
        *("enviado do *", "enviado de *", "enviado com *", "enviado a partir de *", "enviado via *"),
        *("obter o outlook para *", "obter outlook para *", "baixe o outlook para *"),
    ),
    "pl": ("wysłane z*", "wysłano z*", "pobierz * outlook *"),
    "sv": ("skickat från *", "skickades från *", "skickat med *", "hämta outlook för *", "skaffa outlook för *"),
    "da": ("sendt fra *", "sendt med *", "hent outlook til *", "få outlook til *"),
    "nb": ("få outlook for *", "skaff * outlook for *", "skaff outlook for *"),
    "fi": ("lähetetty *", "hanki outlook *", "lataa outlook *"),
    "cs": ("odesláno z *", "odesláno s *", "odesláno pomocí *", "získejte outlook *", "získat outlook *"),
    "ja": ("*から送信", "*から送信されました", "*を入手"),
    "zh": (
        *("发自*", "發自*", "从*发送", "從*傳送", "通过*发送", "来自*邮箱*", "获取 outlook*", "取得*outlook*"),
        *("下载*outlook",),
    ),
}

PRODUCTS = (
    *(
        "iphon",
        "ipad",
        "ipod",
        "ios",
        "galaxy",
        "samsung",
        "android",
        "huawei",
        "honor",
        "xiaomi",
        "redmi",
        "oppo",
    ),
    *("pixel", "oneplus", "nokia", "sony", "motorola", "fairphone", "blackberry", "outlook", "windows", "yahoo"),
    *("gmail", "gmx", "web.de", "spark", "proton", "superhuman", "k-9", "thunderbird", "smartphone", "tablet"),
    *("handy", "mobilgerät", "mobile device", "mobile phone", "téléphone", "cellulare", "telefoon", "telemóvel"),
    *("celular", "teléfono", "móvil", "telefon", "puhelime", "qq邮箱"),
)
"""What a telephone's signature names: its maker, its program, itself."""
