from services.intake.adapters.languages import Languages, known_languages


async def test_a_text_is_told_among_the_workspaces_languages() -> None:
    languages = Languages()
    await languages.prepare(["en", "de", "fr"])
    assert languages.detect("Ich warte seit einer Woche auf meine Bestellung", ("en", "de", "fr")) == "de"
    assert languages.detect("My order has not arrived, could you help me?", ("fr", "de", "en")) == "en"
    assert languages.detect("ok, 12345678901234567890", ("en", "de", "fr")) is None
    assert languages.detect("", ("en", "de", "fr")) is None


async def test_one_language_or_an_unknown_one_tells_nothing() -> None:
    languages = Languages()
    for among in (["en"], ["xx", "en"], []):
        await languages.prepare(among)
        assert languages.detect("My order has not arrived, could you help me?", among) is None


def test_every_language_has_a_code() -> None:
    assert {"en", "de", "fr", "es", "it", "nl", "pt", "pl", "sv", "ja", "zh"} <= known_languages()
