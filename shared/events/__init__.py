"""The contracts on the bus: what each topic carries, how it is written, and how it is read."""
