from services.intake.domain.rates import Bucket


def test_so_many_at_once_and_then_one_after_another() -> None:
    bucket = Bucket(most=3, per_s=2)
    assert [bucket.take(10.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert bucket.take(10.25) == 0.25
    assert bucket.take(10.5) == 0.0
    assert bucket.take(10.5) > 0


def test_what_is_saved_up_is_bounded() -> None:
    bucket = Bucket(most=2, per_s=1)
    bucket.take(0.0)
    assert [bucket.take(1000.0) for _ in range(3)] == [0.0, 0.0, 1.0]
