"""What runs inside the user's own interpreter: it reports, seeds and traces, and must never break or slow a script.

Standard library only, Python 3.8 and newer, imports nothing of the rest of `twice`. During a run these files are loaded a
second time, by their place and under the name `_twice_agent`, so that nothing on the user's path can shadow them.

    site/sitecustomize.py   the way in: Python imports it at start-up because its folder is first on PYTHONPATH
    startup.py              what is switched on, in which order
    protocol.py             the variables, the events and the journal; what the other floors know of the agent
    process_keys.py         which process of the run is this?
    import_hooks.py         how to act when the script imports a library, without importing it
    reporting.py            what the process reports of itself, at its start and its end
    seeding.py              how unseeded randomness becomes repeatable
    parameters.py           which parameters the script parsed, with argparse or click
    plain_values.py         any Python value as JSON can hold it
    opening.py              which files the script opened, where nothing better can see it
    loading.py              how installed modules are loaded past who can see it
    logging_api.py          what users call: log_metric, log_param, …
"""
