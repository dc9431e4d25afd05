"""From a picture that somebody made of a digit to its ink alone: decoding, telling ink from paper, the width of its strokes."""
