"""The whole system on one machine: a real PostgreSQL, a real Kafka and the services, all as child processes.

`python -m deploy.local up` runs it for a person, `Stack.start(folder)` gives tests the two servers alone.
Everything listens on loopback, everything lives in one data folder, and nothing outlives its supervisor.
Made for Linux. macOS has a substitute for each thing that only Linux has, but nobody has tried them there.
"""
