"""Verizon ThingSpace Connectivity Management: one billing account, two tokens, and answers that come later."""
