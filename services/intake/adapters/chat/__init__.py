"""Live chats in PostgreSQL, and what time does to them."""
