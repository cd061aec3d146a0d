"""Data written by earlier versions, kept here and opened with the code of the day."""
