"""Records -> typed claims -> words. No claim is made here that its p or its interval does not carry."""
