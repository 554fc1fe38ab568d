"""What the process of a run imports that ``precode serve`` started: the flow, and an end with serve.

Only such a process imports this file: it ends whoever imports it as soon as the serve that it names is gone.
"""

from __future__ import annotations

from flows.scheduled import end_with_serve
from flows.whole_study import whole_study

__all__ = ["whole_study"]

end_with_serve()
