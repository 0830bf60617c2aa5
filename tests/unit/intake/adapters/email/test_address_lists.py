import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.adapters.email.address_lists import addresses, is_address

ADA = "ada@example.org"


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("Ada @ Acme <ada@example.org>", "Ada @ Acme"),
        ("victim@bank.example <ada@example.org>", "victim@bank.example"),
        ("'bob@example.org' via Support <ada@example.org>", "'bob@example.org' via Support"),
        ("Sales: bob@example.org <ada@example.org>", "Sales: bob@example.org"),
        ('"victim@bank.example, <bob@example.org>" <ada@example.org>', "victim@bank.example, <bob@example.org>"),
        ("(victim@bank.example (<b@x.org>),) <ada@example.org>", "(victim@bank.example (<b@x.org>),)"),
        ('"Lovelace, Ada" von A. <ada@example.org>', "Lovelace, Ada von A."),
        (r'"Ada \"Countess\" L" <ada@example.org>', 'Ada "Countess" L'),
        ("Lovelace, Ada <ada@example.org>", "Ada"),
        ("Ada (Sales) <ada@example.org>", "Ada (Sales)"),
        ("=?utf-8?Q?bob=40example.org?= <ada@example.org>", "=?utf-8?Q?bob=40example.org?="),
    ],
)
def test_a_name_is_no_address_whatever_stands_in_it(value: str, name: str) -> None:
    assert list(addresses(value)) == [(name, ADA)]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("ada@example.org", ""),
        ("ada@example.org (Ada (of Acme))", "Ada (of Acme)"),
        ("<ada@example.org>", ""),
        ("< ada@example.org >", ""),
        ("<<ada@example.org>>", ""),
        ("<mailto:ada@example.org>", ""),
        ("<@one.example,@two.example:ada@example.org>", ""),
        ("ada@example.org <ada@example.org>", "ada@example.org"),
        ("Ada <ada@example.org> <ada@example.org>", "Ada"),
        ("Ada ada@example.org", ""),
        ("Ada <ada@example.org", "Ada"),
        ('"Ada <ada@example.org>', '"Ada'),
        ("Ada :-( <ada@example.org>", "Ada :-("),
        ('"ada@example.org"', ""),
    ],
)
def test_an_address_is_found_however_it_is_written(value: str, name: str) -> None:
    assert list(addresses(value)) == [(name, ADA)]


def test_a_list_is_in_its_order() -> None:
    value = "Team: a@x.org, B <b@x.org>;, c@x.org; undisclosed:;, (d) d@x.org"
    assert list(addresses(value)) == [("", "a@x.org"), ("B", "b@x.org"), ("", "c@x.org"), ("d", "d@x.org")]


@pytest.mark.parametrize(
    "value",
    [
        "Ada <ada@example.org> <victim@bank.example>",
        "victim@bank.example <>",
        "victim@bank.example <ada>",
        '"victim@bank.example"<"ada l"@example.org>',
        '<"x> <victim@bank.example>"@example.org>',
        "<ada@example.org@victim.example>",
        "",
        "<>",
        ",;:()",
    ],
)
def test_what_names_nobody_for_certain_is_nobody(value: str) -> None:
    assert list(addresses(value)) == []


@given(st.text(alphabet='ab@.<>()",;:\\ ', max_size=60))
def test_every_address_is_one(value: str) -> None:
    assert all(is_address(address) for _, address in addresses(value))


@pytest.mark.parametrize("piece", ['"\\', "(", "(\\", "<", '"', "a@b ", "<a@b>", "(a)", ","])
def test_long_fields_are_read_in_no_time(piece: str) -> None:
    list(addresses(piece * (65_536 // len(piece))))
