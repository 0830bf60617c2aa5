"""The four services. None imports another; they talk over Kafka topics only."""
