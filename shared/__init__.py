"""What all four services stand on: contracts, broker, database, HTTP, telemetry. It knows no service."""
