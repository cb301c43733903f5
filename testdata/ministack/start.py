"""Starts the AWS emulator, with schedules looked at each 0.2 s instead of 10 s.

The settings are environment variables: GATEWAY_PORT, BIND_HOST and so on.
"""

import ministack.core.iam_evaluator as evaluator
import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.scheduler as scheduler

scheduler._SCHEDULE_TICK_INTERVAL = 0.2

alarm = provisioners._cw_metric_alarm_record


def alarm_on_anything(name, props):
    """Takes an alarm on an expression too, which the emulator refuses; it never fires."""
    if "Metrics" in props:
        props = {k: v for k, v in props.items() if k != "Metrics"}
        props |= {"Namespace": "Expression", "MetricName": name}
    return alarm(name, props)


provisioners._cw_metric_alarm_record = alarm_on_anything

key = evaluator._resolve_condition_key


def as_by_tls(name, context):
    """The emulator speaks plain HTTP alone; the queues' policies demand TLS."""
    return "true" if name.lower() == "aws:securetransport" else key(name, context)


evaluator._resolve_condition_key = as_by_tls

from ministack.app import main  # noqa: E402, after it was changed

main()
