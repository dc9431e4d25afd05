"""The parts of the script that repeats a run, each written from the run's settings.

text: what a part is, and how comments, constants and functions are written · data, augmentation: the images that it learns from
network, layers, tokens, keras_network: the network · starting: its weights at first · optimizer: what moves them
training: one pass over the images · result: the epochs beside what the run has stored, and the test
"""
