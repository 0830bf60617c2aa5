"""The rules of service levels: pure, and blind to where events come from."""
