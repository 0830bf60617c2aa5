"""What leaves: for each shard a loop, for each kind of provider a carrier."""
