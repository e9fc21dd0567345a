"""What a member of the platform's Redis Cluster does besides serving: form the cluster at its start, reload its files.

Standard library only: it runs inside the image.
"""
