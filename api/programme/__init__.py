"""The pilot programme as whoever asks may see and move it: their office, their desk, page views."""
