"""The router's HTTP surface."""
