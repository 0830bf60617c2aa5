"""What providers post to us: whether it is theirs, and what it says. One module a provider."""
