"""Reads answers: titles, orders, ratings, calls of a tool, and what somebody's function returned."""
