"""What the process of a run imports that ``precode serve`` started: the flow, and an end with serve.

Such a process ends as soon as the serve that it names is gone. It leaves the group of processes to which a terminal
sends Ctrl-C: that is for serve, which ends the run as cancelled. Prefect's runner imports this file in serve too, to
look for hooks of a run that was killed.
"""

from __future__ import annotations

import os
import sys

from flows.engine import RUN_OF_ITS_OWN
from flows.scheduled import end_with_serve
from flows.whole_study import whole_study

__all__ = ["whole_study"]

if RUN_OF_ITS_OWN in os.environ:
    if sys.platform != "win32":  # there Prefect does so itself
        os.setpgrp()
    end_with_serve()
