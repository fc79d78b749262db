"""What it means: facts to findings. Pure, and never acts."""
