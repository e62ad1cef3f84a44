"""Rerankers: lists in a fairer order, from the candidates that a recommender gave."""
