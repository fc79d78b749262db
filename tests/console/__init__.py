"""The console in a real browser. A package, so that its house is taken down when its last test is done."""
