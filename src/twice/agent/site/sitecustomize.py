"""The way into the interpreters of a run.  Python imports the first `sitecustomize` on its path at start-up: this one.

It starts the agent when a run is going on, takes its own folder off sys.path again, and hands over to the `sitecustomize`
that Python would have found without it: the user's, or the distribution's. Whatever that one does, or its absence, looks
from outside as if this file did not exist. Every Python that starts in a run comes here, so the syntax is that of Python
2.7 and the agent starts on 3.8 and newer only.
"""

# mypy: ignore-errors
# (Python 2.7 has no annotations, and both modules that are imported here exist in a run only.)

import os
import sys


def _start_agent(agent):
    # By place and under a private name: no `twice` on the user's path can stand in for it, and it in for none.
    package = type(sys)("_twice_agent")
    package.__path__ = [agent]
    package.__file__ = os.path.join(agent, "__init__.py")
    sys.modules["_twice_agent"] = package
    from _twice_agent import startup

    startup.start()


_here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [entry for entry in sys.path if entry != _here]

if sys.version_info >= (3, 8) and os.environ.get("TWICE_LIVE") and "_twice_agent" not in sys.modules:
    try:
        _start_agent(os.path.dirname(_here))
    except Exception:  # nothing that goes wrong in the agent is the script's business
        pass

# Gone from sys.modules, the name is looked up again, now on the path without us. The module that is found stays there in
# our place; an ImportError when there is none is what `site` expects of a Python without sitecustomize.
_this = sys.modules.pop(__name__, None)  # held, because Python 2 empties a module that nobody holds
import sitecustomize  # noqa: E402, F401
