"""What is a run, which files say so, and are they valid?  The facts, and every way they are written.

model.py        the facts, as frozen dataclasses
plain.py        facts ↔ plain data (dict, list, scalars)
yaml_text.py    plain data ↔ YAML text; PyYAML's door
validation.py   plain data against schemas/*.schema.json; jsonschema's door
file_names.py   which file holds a metric's history, a folder's manifest, an artifact
histories.py    points ↔ metrics/<name>.tsv
upgrades.py     a record of an older format → one of today's
readme.py       the page for people on a forge
files.py        a run ↔ the files of its record: the way in and out
summary.py      the few facts that a table of runs shows
"""
