"""Exchanging passwords and the certificate authority of a running stack, with old and new accepted in between."""
