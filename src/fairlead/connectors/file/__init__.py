"""The carrier without an interface: what it exports is read, what it shall change is written out as tickets."""
