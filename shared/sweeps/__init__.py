"""Sweeps: a plan of many trainings, and their trials."""
