"""Every op, a file per family. An op is declared once: forward, derivative and documentation stand together."""
