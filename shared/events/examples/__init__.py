"""Examples of every version of every event ever published. They must decode for ever."""
