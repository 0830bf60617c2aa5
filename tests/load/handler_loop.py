"""The other yardstick of the router's figure: a handler with one PostgreSQL transaction a message."""

import logging
import sys

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from shared.events.catalog import SHARDS

TABLES = (
    "CREATE TABLE IF NOT EXISTS handled (id bigserial PRIMARY KEY, subject text NOT NULL, body bytea NOT NULL)",
    "CREATE TABLE IF NOT EXISTS place (partition int PRIMARY KEY, next_offset bigint NOT NULL)",
)


async def run(bootstrap: str, source: str, target: str, database: str) -> None:
    """Stores each record and how far it is in a transaction of its own, then produces the record as it is."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    connection = await asyncpg.connect(database)
    for statement in TABLES:
        await connection.execute(statement)
    await consumer.start()
    await producer.start()
    consumer.assign([TopicPartition(source, number) for number in range(SHARDS)])
    print("ready", flush=True)  # noqa: T201 - whoever started it waits for this
    while True:
        for place, records in (await consumer.getmany(timeout_ms=1000, max_records=500)).items():
            for record in records:
                subject = dict(record.headers)["subject"].decode()
                async with connection.transaction():
                    await connection.execute(
                        "INSERT INTO handled (subject, body) VALUES ($1, $2)", subject, record.value
                    )
                    await connection.execute(
                        "INSERT INTO place VALUES ($1, $2) ON CONFLICT (partition) DO UPDATE SET next_offset = $2",
                        place.partition,
                        record.offset + 1,
                    )
                await producer.send(target, record.value, key=record.key, partition=place.partition)


if __name__ == "__main__":
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    uvloop.run(run(*sys.argv[1:]))
