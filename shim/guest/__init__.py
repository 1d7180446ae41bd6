"""What travels into a job: shell scripts for machines where nothing of ours is installed."""
