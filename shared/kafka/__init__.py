"""Apache Kafka as an at-least-once transport: publish, read, set aside."""
