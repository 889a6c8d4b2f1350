"""Ways to sign in beside the password, one module each; `identity` is what a provider proves about a person."""
