"""OpenID Connect: asks a tenant's identity provider who somebody is."""
