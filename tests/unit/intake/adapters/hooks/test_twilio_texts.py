"""What Twilio lists, page by page, and as its webhook would have posted it."""

from dataclasses import dataclass, field
from datetime import date
from urllib.parse import parse_qs

from services.intake.adapters.hooks.twilio_texts import TextsPage, TwilioTexts, overtaken
from services.intake.adapters.hooks.values import Object
from services.intake.adapters.outbound.vendor_http import Answer
from services.intake.domain.provider import ProviderName, Twilio

OURS = Twilio(name=ProviderName.TWILIO_SMS, account_sid="AC1", secrets=("token",), number="+15550100")
FOLDER = "/2010-04-01/Accounts/AC1"


@dataclass
class Api:
    """Answers one after another, the last one again and again."""

    answers: list[dict[str, object]]
    asked: list[str] = field(default_factory=list)

    async def get(self, url: str, *, basic: tuple[str, str]) -> Answer:
        assert basic == ("AC1", "token")
        self.asked.append(url.removeprefix("https://api.example"))
        return Answer(200, self.answers[min(len(self.asked), len(self.answers)) - 1])

    @property
    def texts(self) -> TwilioTexts:
        return TwilioTexts(self, url="https://api.example/")  # type: ignore[arg-type] # nothing else is asked


async def pages(api: Api) -> list[TextsPage]:
    return [page async for page in api.texts.pages(OURS, OURS.number, date(2026, 3, 1))]


async def test_only_so_many_pages_are_looked_at() -> None:
    api = Api([{"messages": [], "next_page_uri": f"{FOLDER}/Messages.json?PageToken=again"}])
    found = await pages(api)
    assert [page.is_cut for page in found] == [False] * 19 + [True]
    assert api.asked[0].startswith(f"{FOLDER}/Messages.json?To=%2B15550100&DateSent%3E=2026-03-01&")


async def test_a_page_that_is_elsewhere_is_not_asked_for() -> None:
    for elsewhere in (
        "https://elsewhere.example/2010-04-01/Accounts/AC1/Messages.json?Page=1",
        "/2010-04-01/Accounts/AC2/Messages.json?Page=1",
        f"{FOLDER}/Messages.json?Page=1\r\nX: 1",
        f"{FOLDER}/Keys.json",
    ):
        api = Api([{"messages": [], "next_page_uri": elsewhere}])
        assert [page.is_cut for page in await pages(api)] == [False]


async def test_what_is_no_text_of_a_customer_is_left_out() -> None:
    sent = {"sid": "SM2", "direction": "outbound-api"}
    nameless = [{"direction": "inbound"}, {"sid": "../Keys", "direction": "inbound"}, "text"]
    api = Api([{"messages": [{"sid": "SM1", "direction": "inbound"}, sent, *nameless], "next_page_uri": None}])
    (page,) = await pages(api)
    assert [*page.texts] == ["SM1"]


async def test_it_is_posted_as_the_webhook_would_have_posted_it() -> None:
    api = Api([{"media_list": [{"sid": "ME1", "content_type": "image/jpeg"}, {"sid": "ME/2"}]}])
    text = {"sid": "MM1", "from": "+44770", "to": "+1555", "body": "a&b \ud800", "num_media": "2"}
    form = parse_qs((await api.texts.posted(OURS, {**text})).decode())
    assert api.asked == [f"{FOLDER}/Messages/MM1/Media.json?PageSize=10"]
    assert {name: value for name, (value,) in form.items()} == {
        "AccountSid": "AC1",
        "MessageSid": "MM1",
        "From": "+44770",
        "To": "+1555",
        "Body": "a&b ?",
        "NumMedia": "1",
        "MediaUrl0": f"https://api.example{FOLDER}/Messages/MM1/Media/ME1",
        "MediaContentType0": "image/jpeg",
    }


async def test_of_one_senders_words_about_consent_the_last_ones_count() -> None:
    said = [
        ("SM1", "+44770", "STOP"),
        ("SM2", "+44771", "STOP"),
        ("SM3", "+44770", "How?"),
        ("SM4", "+44770", "START"),
    ]
    texts: dict[str, Object] = {}
    for sid, sender, body in said:
        texts[sid] = {"sid": sid, "from": sender, "body": body}
    assert overtaken(texts) == {"SM1"}
    form = parse_qs((await Api([]).texts.posted(OURS, texts["SM1"], has_say=False)).decode())
    assert form["OptOutType"] == ["HELP"]
