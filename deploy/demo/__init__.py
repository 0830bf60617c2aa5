"""A believable support organisation, and a minute of its work: `python -m deploy.demo` against what runs."""
