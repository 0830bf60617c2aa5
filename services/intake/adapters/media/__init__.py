"""Files of messages that are still with their providers: fetched after the message was received."""
