"""The commands: what each is told, and nothing of how it is done."""
