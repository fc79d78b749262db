"""What every connector needs and none should write twice: honest HTTP, rate budgets, manifests, wary reading."""
