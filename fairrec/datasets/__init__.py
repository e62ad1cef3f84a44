"""Data sets of real users: readers, downloads and splits."""
