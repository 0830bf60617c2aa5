"""Answers: files that go with replies, notices, surveys."""
