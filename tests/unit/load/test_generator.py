import pytest

from tests.load.generator import NUMBER, answer_size, post

ANSWER = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\nbody"


def test_an_answer_ends_where_its_length_says() -> None:
    assert answer_size(ANSWER + b"HTTP/1.1 200") == len(ANSWER)


@pytest.mark.parametrize("size", [0, 20, ANSWER.index(b"\r\n\r\n") + 3])
def test_the_size_of_an_answer_is_unknown_until_its_head_is_there(size: int) -> None:
    assert answer_size(ANSWER[:size]) is None


def test_an_answer_without_a_length_is_refused() -> None:
    with pytest.raises(ValueError, match="length"):
        answer_size(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")


def test_a_number_fits_the_length_that_the_request_announces() -> None:
    head, _, content = post("/v1/messages", "token", {"external_id": f"m-{NUMBER}"}).partition("\r\n\r\n")

    assert f"Content-Length: {len(content.replace(NUMBER, f'{7:09}'))}" in head
