"""Mail in and out. What reads hostile bytes runs in a process apart and needs the standard library only."""
