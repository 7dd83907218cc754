"""What is measured, by commands anyone can run. Read ratios within one run, not single seconds."""
