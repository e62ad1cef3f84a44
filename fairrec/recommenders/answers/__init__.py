"""Reads answers: titles, orders, ratings, calls of a tool, and what a function returned."""
