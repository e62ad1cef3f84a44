"""Recorded answers: read, replayed and written in one documented form."""

from fairrec.recordings.reading import Recording, read_recording
from fairrec.recordings.recorded import RecordedRecommender
from fairrec.recordings.writing import write_recording

__all__ = ["RecordedRecommender", "Recording", "read_recording", "write_recording"]
