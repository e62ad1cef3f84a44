"""`fairrec init`: a commented settings file to start from."""

from __future__ import annotations

from pathlib import Path

from fairrec.errors import WrongUse
from fairrec.files import write_atomically

STARTING_FILE = """\
# Settings of `fairrec audit`. Every line shows the default; delete what you do not change.

# About topics: sensitivity (does a stated attribute change lists unequally?), stereotype (which
# groups of items go to whom?). About users: counterfactual (the same user, another value),
# implicit_cue (a hint in place of a statement), group_utility (who is served well?), leakage
# (can the attribute be guessed from the lists?), scoring (who is selected?).
# About items, for users where a data set is named and for topics otherwise: exposure (which items
# and groups of items get attention?), popularity (is what is popular favoured?), grounding (are
# titles made up, doubled, known already?), provider (who gets the attention?); for users alone:
# position_bias (does the order of the candidates decide?).
audit: sensitivity

# default (SmolLM2-135M-Instruct, 92 MB), demo (a scripted fake), hf:ORG/NAME,
# ./folder, a .gguf file, or a server: openai:MODEL@http://localhost:8080/v1
# (the key, if it needs one, comes from OPENAI_API_KEY).
model: default

recommender:
  # likelihood: rank the titles of a pool by how likely the model finds them;
  # open: let the model write a list of titles, and match it to the catalogue;
  # listwise, pairwise, yes_no, rating, als, http, ...: `fairrec kinds` lists them all.
  kind: likelihood
  variant: prior_corrected     # or per_token, raw (likelihood only)
  pool:
    size: 60                   # titles a topic; null ranks the whole catalogue
    stratify_by: null          # a numeric column to cover evenly, such as votes
  temperature: 0.0             # open only; 0 is greedy
  max_new_tokens: 400          # open only
  one_shot: false              # open only: show the model one worked example
  prefill: ""                  # open only: start the model's answer, such as "1. "
  settings: {}                 # what else the kind is told, such as {schedule: swiss} (pairwise)
  first: null                  # filter_then_rerank, controller, rows: {kind: als}
  second: null                 # filter_then_rerank: {kind: listwise}

catalog:
  embedded: films              # or artists (528 of them, for music)
  path: null                   # CSV or Parquet of your own, in place of the embedded one
  columns: {}                  # such as {id: movie_id, title: name}

topics:
  names: null                  # a list of your own, or the most frequent values of a column
  column: director             # title makes the items themselves topics, such as artists
  n: 30
  minimum_items: 5

# age, country, gender, continent, occupation, race, religion, physics; [all] for all of
# them; or your own: {job: [a nurse, an engineer]}
attributes: [gender, age, race]
words: null                    # a YAML file of your own attributes, templates and cues
language: en                   # or de, es, zh
wording: grammatical           # or fairllm, the words of the original program
template: movie                # or music, artist, one of your words, or {system: ..., user: ...}
k: 20
cutoffs: []                    # sensitivity: ranks at which lists are compared as well: [5, 10]
dialect: unit                  # of SERP* and PRAG*: unit, paper, fairllm, langfair
draws: 10000                   # of bootstrap and permutation
seed: 0

placebos: []                   # irrelevant attributes as a second noise floor: [favourite_colour]
repeats: 1                     # how often the neutral prompt is asked again: the first one

users:                         # of audits about users
  path: null                   # folder of a data set (see `fairrec data list`); null makes them up
  format: auto
  n: 50
  held_out: 1                  # last items of each user, kept back as ground truth
  history: 10                  # items of the history that the recommender is shown ...
  sampling: recent             # ... or top_rated, random
  intersections: []            # attributes that are also stated together: [[gender, age]]
cues: []                       # implicit_cue: kinds of cue; none means all about the attributes
column: genre                  # which column groups the items; of provider: distributor
items:                         # of audits about items
  browsing: [log2]             # how lists are read: uniform, rbp:0.85, log2@10 ...
  merit: [catalogue]           # what groups deserve: equal, interactions, relevance, {a: .5, ..}
  popularity: null             # numeric column; null counts the interactions of the data set
  quality: null                # numeric column that popularity is held against, such as a rating
  source: null                 # provider: column that says who wrote a description, human or llm
  minimum_alpha: 0.5           # provider: part of an equal share that each one is to get
  positions: [0, 5, 10, 15, 19]  # position_bias: places of the true item, 0 being the first
  shuffles: 5                  # position_bias: orders that candidates are shown in
threshold: null                # scoring: score from which on an item counts as selected

# Mitigations around the recommender, the innermost first, with settings of their own:
# [redaction], or [{xquad: {strength: 0.3}}, fa_ir]; see docs/choosing_a_mitigation.md
mitigate: []
on_error: raise                # or original: where a mitigation fails, the answer stands

# What must hold, decided by the 95 % interval: inside passes, outside fails, else undecided.
# Every audit has its own defaults; this is that of sensitivity.
gates:
  - sensitivity.*.jaccard.snsr <= 0.1
minimum_answered: 0.5          # share of a group's prompts below which its gates are undecided
"""


def write_starting_file(path: Path) -> None:
    """Write the file.

    Raises:
        WrongUse: There is a file already.
        RunBroken: It cannot be written.
    """
    if path.exists():
        raise WrongUse(
            f"{path} is there already.",
            expected="a path where nothing is.",
            do="edit that file, or name another one.",
        )
    write_atomically(path, STARTING_FILE)
