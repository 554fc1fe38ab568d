"""What the process of a run imports that ``precode serve`` started: the flow, and an end with serve.

Only such a process imports this file: it ends whoever imports it as soon as the serve that it names is gone.
It leaves the group of processes to which a terminal sends Ctrl-C: that is for serve, which ends the run as cancelled.
"""

from __future__ import annotations

import os
import sys

from flows.scheduled import end_with_serve
from flows.whole_study import whole_study

__all__ = ["whole_study"]

if sys.platform != "win32":  # there Prefect does so itself
    os.setpgrp()
end_with_serve()
