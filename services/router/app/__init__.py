"""Running the engine: inputs in, one commit out."""
