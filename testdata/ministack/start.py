"""Starts the AWS emulator, with schedules looked at each 0.2 s instead of 10 s.

The settings are environment variables: GATEWAY_PORT, BIND_HOST and so on.
"""

import ministack.services.scheduler as scheduler

scheduler._SCHEDULE_TICK_INTERVAL = 0.2

from ministack.app import main  # noqa: E402, after the interval is set

main()
