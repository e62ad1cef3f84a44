"""Mitigations that change what a recommender is told, or how often it is asked."""
