"""The reader study as pure logic: who sees what in which order, and what the answers amount to."""
