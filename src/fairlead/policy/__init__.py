"""What should be: parse, check, evaluate and resolve the policy language. Pure."""
