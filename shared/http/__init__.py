"""HTTP: one factory for the four services' applications."""
