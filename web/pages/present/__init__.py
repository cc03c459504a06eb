"""What templates show: words, figures and drawings made from rows. Knows no request and no database."""
