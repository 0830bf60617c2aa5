"""The yardstick of the router's figure: a bare loop that reads records and produces them to another topic."""

import asyncio
import logging
import sys

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from shared.events.catalog import SHARDS


async def run(bootstrap: str, source: str, target: str) -> None:
    """Forwards each record as it is; a batch is acknowledged before the next one is read."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await consumer.start()
    await producer.start()
    consumer.assign([TopicPartition(source, number) for number in range(SHARDS)])
    print("ready", flush=True)  # noqa: T201 - whoever started it waits for this
    while True:
        acknowledgements = [
            await producer.send(target, record.value, key=record.key, partition=place.partition)
            for place, records in (await consumer.getmany(timeout_ms=1000, max_records=500)).items()
            for record in records
        ]
        if acknowledgements:
            await asyncio.gather(*acknowledgements)


if __name__ == "__main__":
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    uvloop.run(run(*sys.argv[1:]))
